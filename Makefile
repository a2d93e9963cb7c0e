# Torc's few commands. Needs Go, make and gcc; the Go tool fetches the rest.
.PHONY: test vet

test: ## every test
	go test ./...

vet:
	go vet ./...
