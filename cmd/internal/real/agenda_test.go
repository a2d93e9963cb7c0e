package real

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What takes long moves all that comes after it, when the agenda is patient: 100 ms after its end are 100 ms.
func TestAgendaIsPatient(t *testing.T) {
	for _, c := range []struct {
		patient bool
		at      [4]time.Duration // seconds: when each was done, and the end
	}{
		{true, [4]time.Duration{4, 6, 7, 13}},
		{false, [4]time.Duration{4, 6, 4, 10}},
	} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			a := newAgenda(func() time.Duration { return time.Since(begun) })
			a.patient = c.patient
			var at [4]time.Duration
			note := func(i int) func() error {
				return func() error { at[i] = time.Since(begun) / time.Second; return nil }
			}
			a.add(1*time.Second, func() error {
				time.Sleep(3 * time.Second)
				a.after(2*time.Second, note(1))
				return note(0)()
			})
			a.add(4*time.Second, note(2))
			require.NoError(t, a.until(context.Background(), 10*time.Second))
			require.NoError(t, note(3)())
			require.Equal(t, c.at, at)
		})
	}
}
