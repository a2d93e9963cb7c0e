package linearizability

import "github.com/anishathalye/porcupine"

// A second opinion. A checker that is wrong about good histories is noticed; one that is wrong about bad ones is not. So porcupine,
// which was written by others and is used by many, is asked about every verdict of the search too, as far as that is cheap. Where the two
// disagree the verdict is Undecided, which counts as a failure: one of them has a bug.

// secondSteps bounds what porcupine may try. Most keys' histories take a few steps for each operation; on the others, with many
// operations open at a time, it has no opinion.
const secondSteps = 5000

// agrees reports whether porcupine, within its bound, does not contradict what the search made of some operations.
func agrees(list []span, explained bool) bool {
	ops := make([]porcupine.Operation, len(list))
	for i, s := range list {
		if !explained && s.op.Kind == Lease {
			return true // porcupine's model does not know that the numbers of leases tell their order
		}
		ops[i] = porcupine.Operation{ClientId: s.op.Client, Input: s.op, Call: s.op.Call, Return: s.end}
	}
	steps, model := 0, porcupineModel()
	plain := model.Step
	model.Step = func(at, input, output any) (bool, any) {
		if steps++; steps > secondSteps {
			return false, at // nothing leads on from here: it ends at once
		}
		return plain(at, input, output)
	}
	return porcupine.CheckOperations(model, ops) == explained || steps > secondSteps
}

// check asks for the second opinion about a verdict on the first n answers.
func (s *search) check(v Verdict, n int) Verdict {
	if v.Result == Undecided || n == 0 || agrees(s.prefix(n, nil), v.Result == Fine) {
		return v
	}
	word := "can be explained"
	if v.Result == Fine {
		word = "cannot be explained"
	}
	return undecided(OracleModel, s.k, who(s.ends[n-1])+" "+answer(s.ends[n-1])+
		": porcupine says that the answers up to this one "+word+", and this checker says the contrary: one of them has a bug")
}
