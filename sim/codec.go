package sim

import "torc/core/wire"

// encode is a frame in its binary form.
func (w *World) encode(f *wire.Frame) []byte {
	w.scratch = wire.AppendFrame(w.scratch[:0], f)
	return append([]byte(nil), w.scratch...)
}

// decode reads a frame back. The simulator never alters packets, so a frame that cannot be
// read is a bug of the codec or of who filled the frame.
func (w *World) decode(b []byte) *wire.Frame {
	f, err := wire.DecodeFrame(b)
	if err != nil {
		w.violate(OracleSanity, "a frame did not survive its binary form: %v", err)
		return nil
	}
	return f
}
