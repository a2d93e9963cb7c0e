package linearizability

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/anishathalye/porcupine"
)

// ErrPictureSlow says that no picture could be drawn within the timeout.
var ErrPictureSlow = errors.New("the search for an order took too long")

// Picture writes porcupine's page for one key: the operations as bars on a time line and the
// longest orders found, to be opened in a browser. It is drawn from the model checker's
// point of view whatever checker complained; TTLs are not part of that model, so for keys
// that expire the picture may show an error that is none. Unlike verdicts, pages of equal
// histories may differ in the order of their parts.
func Picture(w io.Writer, k KeyHistory, o Options) error {
	o = o.withDefaults()
	var ops []porcupine.Operation
	clients := make(map[int]int) // the page wants 0, 1, 2 ...
	for _, op := range effective(k.Ops) {
		client, seen := clients[op.Client]
		if !seen {
			client = len(clients)
			clients[op.Client] = client
		}
		ops = append(ops, porcupine.Operation{ClientId: client, Input: op, Call: op.Call, Return: op.Return})
	}
	model := porcupineModel()
	result, info := porcupine.CheckOperationsVerbose(model, ops, o.Timeout)
	if result == porcupine.Unknown {
		return fmt.Errorf("drawing key %q: %w", k.Key, ErrPictureSlow)
	}
	if err := porcupine.Visualize(model, info, w); err != nil {
		return fmt.Errorf("drawing key %q: %w", k.Key, err)
	}
	return nil
}

// PictureFile writes the picture to a file.
func PictureFile(path string, k KeyHistory, o Options) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("drawing key %q: %w", k.Key, err)
	}
	if err := Picture(f, k, o); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("drawing key %q: %w", k.Key, err)
	}
	return nil
}
