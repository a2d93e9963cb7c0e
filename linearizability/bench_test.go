package linearizability

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// workload is a run of clients that wait a little between operations, as the simulator's
// do: one operation takes effect every millisecond, intervals reach several milliseconds.
func workload(n, clients, keys int, kinds []Kind) *History {
	rng := rand.New(rand.NewPCG(1, 1))
	cells := make([]cell, keys)
	free := make([]int64, clients)
	var clock uint64
	ops := make([]Operation, 0, n)
	at := int64(0)
	for i := range n {
		client := 0
		for c := range free { // the client that has been idle longest
			if free[c] < free[client] {
				client = c
			}
		}
		at = max(at+1, free[client]+rng.Int64N(3))
		op := Operation{Client: client, Kind: kinds[rng.IntN(len(kinds))], Outcome: OK}
		key := rng.IntN(keys)
		op.Key = "key-" + strconv.Itoa(key)
		op.In.Value = "v" + strconv.Itoa(i)
		op.In.Delta = 1
		op.In.Expect = cells[key].value
		op.Call = at - rng.Int64N(at-free[client]+1)
		op.Return = at + rng.Int64N(int64(clients))
		free[client] = op.Return + 1
		op.Out, _ = cells[key].do(&op, at, &clock)
		if rng.IntN(500) == 0 {
			op.Outcome, op.Return = Unknown, Open
		}
		ops = append(ops, op)
	}
	return numbered(ops)
}

func benchmarkCheck(b *testing.B, h *History) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if verdicts := Check(h, Options{}); len(verdicts) > 0 {
			b.Fatal(sentences(verdicts[:1]))
		}
	}
	b.ReportMetric(float64(len(h.Ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkRegister(b *testing.B) {
	h := workload(1_000_000, 32, 100, []Kind{Read, Write})
	b.Run("zones", func(b *testing.B) {
		keys := h.ByKey()
		b.ReportAllocs()
		for b.Loop() {
			for _, k := range keys {
				if found, ok := CheckRegister(k, Options{}); !ok || len(found) > 0 {
					b.Fatal(sentences(found))
				}
			}
		}
		b.ReportMetric(float64(len(h.Ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	})
	b.Run("everything", func(b *testing.B) { benchmarkCheck(b, h) })
	one := workload(1_000_000, 32, 1, []Kind{Read, Write})
	b.Run("everything, one key", func(b *testing.B) { benchmarkCheck(b, one) })
}

func BenchmarkCounter(b *testing.B) {
	benchmarkCheck(b, workload(200_000, 32, 10, []Kind{Increment, Increment, Read}))
}

func BenchmarkAppend(b *testing.B) {
	benchmarkCheck(b, workload(20_000, 32, 100, []Kind{Append, Append, Read}))
}

func BenchmarkModel(b *testing.B) {
	for _, clients := range []int{4, 8} {
		b.Run(strconv.Itoa(clients)+" clients", func(b *testing.B) {
			benchmarkCheck(b, workload(2000, clients, 1, []Kind{Read, Read, Write, CAS, Delete}))
		})
	}
}

// batches is a run of clients that append to and read several keys at once. Keys are replaced
// after some 40 operations, as the simulator does, so that texts stay short.
func batches(n, clients, keys int) *History {
	rng := rand.New(rand.NewPCG(1, 1))
	free, used, names := make([]int64, clients), make([]int, keys), make([]string, keys)
	now := shelf{}
	ops := make([]Operation, 0, n)
	for at, batch := int64(1), 1; len(ops) < n; batch++ {
		client := batch % clients
		at = max(at+1, free[client]+rng.Int64N(3))
		call, end := at-rng.Int64N(at-free[client]+1), at+rng.Int64N(int64(clients))
		free[client] = end + 1
		for j := range 1 + rng.IntN(4) {
			key := rng.IntN(keys)
			if used[key]%40 == 0 {
				delete(now, names[key])
				names[key] = "key-" + strconv.Itoa(key) + "." + strconv.Itoa(used[key])
			}
			used[key]++
			op := Operation{ID: len(ops) + 1, Client: client, Call: call, Return: end, Kind: Read, Key: names[key], Outcome: OK, Batch: batch}
			if rng.IntN(2) == 0 {
				op.Kind, op.In.Value = Append, strconv.Itoa(batch)+"-"+strconv.Itoa(j)+";"
			}
			op.Out = now.do(&op)
			if rng.IntN(2000) == 0 {
				op.Outcome, op.Return = Unknown, Open
			}
			ops = append(ops, op)
		}
	}
	return &History{Ops: ops}
}

func BenchmarkTransactions(b *testing.B) {
	h := batches(1_000_000, 32, 100)
	b.Run("transactions", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if found := CheckTransactions(h, Options{}); len(found) > 0 {
				b.Fatal(sentences(found))
			}
		}
		b.ReportMetric(float64(len(h.Ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	})
	b.Run("everything", func(b *testing.B) { benchmarkCheck(b, h) })
	b.Run("a torn one", func(b *testing.B) {
		torn := &History{Ops: append([]Operation(nil), h.Ops...)}
		for i := len(torn.Ops) / 2; ; i++ {
			if op := &torn.Ops[i]; op.Kind == Read && op.Outcome == OK && len(op.Out.Value.Text) > 60 {
				op.Out = Output{}
				break
			}
		}
		for b.Loop() {
			if found := CheckTransactions(torn, Options{}); len(found) == 0 {
				b.Fatal("not found")
			}
		}
	})
}
