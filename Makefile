# Torc's few commands. Needs Go, make and gcc; the Go tool fetches the rest.
.PHONY: run test vet sim

run: ## a three-node cluster in one process, on loopback
	go build -o bin/torc ./cmd/torc
	./bin/torc dev

test: ## every test
	go test ./...

vet:
	go vet ./...

SCENARIO ?= swarm
TAGS := $(if $(MUTANT),mutants,)
sim: ## one simulation: make sim SEED=7 SCENARIO=split-brain
	@go build -tags "invariants $(TAGS)" -o bin/torc-sim ./cmd/torc
	@./bin/torc-sim sim $(if $(SEED),--seed $(SEED)) --scenario $(SCENARIO) $(if $(DURATION),--duration $(DURATION)) $(if $(MUTANT),--mutant $(MUTANT))
