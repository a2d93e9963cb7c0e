# Torc's few commands. Needs Go, make and gcc; the Go tool fetches the rest.
.PHONY: run test vet sim sim-many gallery mutants controls bench-sim bench bench-peers bench-overload

run: ## a three-node cluster in one process, on loopback
	go build -o bin/torc ./cmd/torc
	./bin/torc dev

test: ## every test; first the packages that take minutes, so that all else goes on beside them, and one more at a time than there are processors: cmd/torcd's tests mostly wait
	go test -p $$(($$(getconf _NPROCESSORS_ONLN) + 1)) ./cmd/torcd ./scenarios ./sim ./...

vet:
	go vet ./...
	go tool staticcheck ./...

SCENARIO ?= swarm
SEEDS ?= 100
OUT ?= sim-failures
TAGS := invariants$(if $(MUTANT), mutants)
SIM := --scenario $(SCENARIO) $(if $(DURATION),--duration $(DURATION)) $(if $(MUTANT),--mutant $(MUTANT))

sim: ## one simulation: make sim SEED=7 SCENARIO=split-brain REPORT=out.html
	@go build -tags "$(TAGS)" -o bin/torc-sim ./cmd/torc
	@./bin/torc-sim sim $(if $(SEED),--seed $(SEED)) $(SIM) $(if $(REPORT),--report $(REPORT)) $(if $(PORCUPINE),--porcupine $(PORCUPINE)) $(if $(SHIVIZ),--shiviz $(SHIVIZ))

sim-many: ## many: make sim-many SEEDS=1000 DURATION=60s, and RESUME=1 after Ctrl-C
	@go build -tags "$(TAGS)" -o bin/torc-sim ./cmd/torc
	@exec ./bin/torc-sim sim --seeds $(SEEDS) $(if $(SEED),--seed $(SEED)) $(SIM) --out $(OUT) $(if $(RESUME),--resume) $(if $(WORKERS),--workers $(WORKERS))

gallery: ## the planted bugs, and bin/torc-sim to learn from them: bin/torc-sim sim gallery run local-read
	@go build -tags "mutants invariants" -o bin/torc-sim ./cmd/torc
	@./bin/torc-sim sim gallery

mutants: ## the mutation score: how many planted bugs random search catches within their budgets
	@go build -tags "mutants invariants" -o bin/torc-mutants ./cmd/torc
	@./bin/torc-mutants sim gallery score $(if $(ONLY),--only $(ONLY))

controls: ## runs that tempt a bad checker: make controls SEEDS=1000, and RESUME=1 after Ctrl-C
	@go build -tags invariants -o bin/torc-sim ./cmd/torc
	@exec ./bin/torc-sim sim gallery controls --seeds $(SEEDS) --out $(OUT)/controls $(if $(RESUME),--resume)

bench-sim: ## how fast the simulator is
	go test ./scenarios -run '^$$' -bench . -benchmem

bench: ## Go micro-benchmarks beside those kept in docs/benchmarks/micro.txt; make bench KEEP=1 keeps these
	@KEEP=$(KEEP) bench/micro.sh

bench-overload: ## what becomes of a cluster that is asked for three times what it can do
	@go -C bench/peers build -o ../../bin/bench-peers .
	@exec ./bin/bench-peers --overload

bench-peers: ## Torc beside Redis, memcached and etcd, into docs/benchmarks; a look: make bench-peers QUICK=1
	@go -C bench/peers build -o ../../bin/bench-peers .
	@exec ./bin/bench-peers --out $(if $(QUICK),bin/quick --quick,docs/benchmarks) $(if $(ETCD_DATA),--etcd-data $(ETCD_DATA))
