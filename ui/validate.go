package ui

import (
	"errors"
	"fmt"
	"strings"
)

// The ways in which a recording can be malformed.
var (
	errOrder  = errors.New("events must be in the order of time, none before the run began")
	errKind   = errors.New("unknown kind of event")
	errRef    = errors.New("names something that is not in the recording")
	errTurn   = errors.New("messages must be in the order of their sending")
	errBlanks = errors.New("a part has not as many numbers as its text has blanks (#)")
)

// validate holds what the page relies on, so that a mistake is found where it was made.
func (r *Recording) validate() error {
	last, sent := int64(0), 0
	for i := range r.Events {
		e := &r.Events[i]
		if e.At < last {
			return fmt.Errorf("event %d: %w", i, errOrder)
		}
		last = e.At
		if e.Kind == Send {
			if e.Ref != sent {
				return fmt.Errorf("event %d: %w", i, errTurn)
			}
			sent++
		}
		if err := r.validateEvent(e, sent); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
	}
	return r.validateRest()
}

func (r *Recording) validateEvent(e *Event, sent int) error {
	most := 0
	switch {
	case e.Kind >= kindEnd:
		return errKind
	case e.Host < -1 || e.Host >= len(r.Hosts):
		return errRef
	case e.Kind == Send:
		most = len(r.Messages)
	case e.Kind == Arrive || e.Kind == Lost:
		most = sent
	case e.Kind == Invoke || e.Kind == Return:
		most = len(r.Operations)
	case e.Kind == Accused:
		most = len(r.Findings)
	default:
		return nil
	}
	if e.Ref < 0 || e.Ref >= most {
		return errRef
	}
	return nil
}

func (r *Recording) validateRest() error {
	for i := range r.Messages {
		m := &r.Messages[i]
		if !r.has(m.From) || !r.has(m.To) {
			return fmt.Errorf("message %d: %w", i, errRef)
		}
		for _, p := range m.Parts {
			if strings.Count(p.Text, "#") != len(p.Numbers) {
				return fmt.Errorf("message %d: %w", i, errBlanks)
			}
		}
	}
	for i := range r.Operations {
		if o := &r.Operations[i]; !r.has(o.Host) || o.Outcome >= outcomeEnd {
			return fmt.Errorf("operation %d: %w", i, errRef)
		}
	}
	for i, f := range r.Findings {
		for _, o := range f.Operations {
			if o < 0 || o >= len(r.Operations) {
				return fmt.Errorf("finding %d: %w", i, errRef)
			}
		}
	}
	return nil
}

func (r *Recording) has(host int) bool { return host >= 0 && host < len(r.Hosts) }
