package scenarios

// AbsentMutant is a bug of the gallery that cannot be planted yet, because Torc has nothing that
// it could spoil.
type AbsentMutant struct {
	Number int // in the gallery
	Name   string
	Comes  string // with which feature
}

// Absent returns the bugs of the gallery that wait for a feature, by number. Together with Mutants
// they are the whole gallery.
func Absent() []AbsentMutant {
	return []AbsentMutant{
		{30, "hotkey-replica-unfenced", "read replicas of hot keys"},
	}
}
