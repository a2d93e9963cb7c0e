package grpcapi

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	torcv1 "torc/api/v1"
	"torc/core/wire"
)

// How a unary call fails:
//
//	outcome   reason               code                 detail     what is known
//	refused   TOO_LARGE            INVALID_ARGUMENT     ErrorInfo  surely not applied; do not send again
//	refused   OUT_OF_MEMORY        RESOURCE_EXHAUSTED   ErrorInfo  surely not applied; later perhaps
//	refused   OVERLOADED           RESOURCE_EXHAUSTED   ErrorInfo  surely not applied: this node's buffers are full (callers.go)
//	refused   SESSION_EXPIRED      FAILED_PRECONDITION  ErrorInfo  surely not applied by this attempt
//	refused   any other            UNAVAILABLE          ErrorInfo  surely not applied; send again, here or elsewhere
//	unknown   DEADLINE             DEADLINE_EXCEEDED    none       may have been applied, or may yet be
//	unknown   any other            UNKNOWN              none       may have been applied, or may yet be
//	ok        a command's error    see codes below      ErrorInfo  the state machine decided: no effect
//
// The ErrorInfo's domain is "torc" and its reason the word in the second column. It is the
// mark of a definite failure, because gRPC itself makes UNAVAILABLE out of a connection that
// broke after the request was sent, which is anything but definite.

// errorDomain is the ErrorInfo domain of Torc's definite failures.
const errorDomain = "torc"

// reasonWords are the reasons as programs read them.
var reasonWords = map[wire.Reason]string{
	wire.ReasonNone:           "REFUSED",
	wire.ReasonNotLeader:      "NOT_LEADER",
	wire.ReasonNotOwner:       "NOT_OWNER",
	wire.ReasonStaleEpoch:     "STALE_EPOCH",
	wire.ReasonNoQuorum:       "NO_QUORUM",
	wire.ReasonOverloaded:     "OVERLOADED",
	wire.ReasonDeadline:       "DEADLINE",
	wire.ReasonOutOfMemory:    "OUT_OF_MEMORY",
	wire.ReasonTooLarge:       "TOO_LARGE",
	wire.ReasonSessionExpired: "SESSION_EXPIRED",
	wire.ReasonLeadershipLost: "LEADERSHIP_LOST",
	wire.ReasonStopping:       "STOPPING",
	wire.ReasonNotReady:       "NOT_READY",
	wire.ReasonOtherCluster:   "OTHER_CLUSTER",
}

// commandErrors are the errors that the state machine decides.
var commandErrors = map[wire.ErrorCode]struct {
	code codes.Code
	word string
}{
	wire.CodeNotInteger:    {codes.FailedPrecondition, "NOT_INTEGER"},
	wire.CodeOverflow:      {codes.OutOfRange, "OVERFLOW"},
	wire.CodeNotFloat:      {codes.FailedPrecondition, "NOT_FLOAT"},
	wire.CodeNaN:           {codes.OutOfRange, "NAN"},
	wire.CodeTooLong:       {codes.InvalidArgument, "TOO_LARGE"},
	wire.CodeOffset:        {codes.InvalidArgument, "OFFSET"},
	wire.CodeInvalidExpire: {codes.InvalidArgument, "INVALID_EXPIRE"},
	wire.CodeVersion:       {codes.FailedPrecondition, "VERSION"},
	wire.CodeUnsupported:   {codes.Unimplemented, "UNSUPPORTED"},
	wire.CodeOutOfMemory:   {codes.ResourceExhausted, "OUT_OF_MEMORY"},
}

// definite is the error of something that surely did not happen.
func definite(code codes.Code, word, text string) error { return informed(code, word, text, nil) }

// informed is a definite error that tells more.
func informed(code codes.Code, word, text string, more map[string]string) error {
	st := status.New(code, text)
	if detailed, err := st.WithDetails(&errdetails.ErrorInfo{Reason: word, Domain: errorDomain, Metadata: more}); err == nil {
		st = detailed
	}
	return st.Err()
}

// askThere names the node to ask instead, by its gRPC address, in an error's metadata.
const askThere = "ask"

// refusedBy is the status of a request that was not answered with results, with the node to ask instead if
// the one that refused could name one.
func refusedBy(m *wire.ClusterMap, r *wire.Response) error {
	who := m.Member(r.Leader)
	if r.Outcome != wire.OutcomeRefused || who == nil || who.GRPCAddr == "" {
		return failureError(r.Outcome, r.Reason)
	}
	return informed(refusedCode(r.Reason), reasonWord(r.Reason), refusedText(r.Reason), map[string]string{askThere: who.GRPCAddr})
}

func invalid(text string) error { return definite(codes.InvalidArgument, "INVALID", text) }

// failureError is the status of a request that was not answered with results.
func failureError(outcome wire.Outcome, reason wire.Reason) error {
	if outcome != wire.OutcomeRefused {
		code := codes.Unknown
		if reason == wire.ReasonDeadline {
			code = codes.DeadlineExceeded
		}
		return status.Error(code, unknownText(reason))
	}
	return definite(refusedCode(reason), reasonWord(reason), refusedText(reason))
}

func refusedCode(reason wire.Reason) codes.Code {
	switch reason {
	case wire.ReasonTooLarge:
		return codes.InvalidArgument
	case wire.ReasonOutOfMemory:
		return codes.ResourceExhausted
	case wire.ReasonSessionExpired:
		return codes.FailedPrecondition
	}
	return codes.Unavailable
}

// commandError is the status of a command that the state machine refused.
func commandError(code wire.ErrorCode) error {
	e, ok := commandErrors[code]
	if !ok {
		e.code, e.word = codes.FailedPrecondition, "COMMAND"
	}
	return definite(e.code, e.word, code.Text())
}

// failureItem tells the same as failureError for one of many.
func failureItem(outcome wire.Outcome, reason wire.Reason) *torcv1.Failure {
	if outcome == wire.OutcomeRefused {
		return &torcv1.Failure{Outcome: torcv1.Failure_REFUSED, Reason: reasonWord(reason), Text: refusedText(reason)}
	}
	return &torcv1.Failure{Outcome: torcv1.Failure_UNKNOWN, Reason: reasonWord(reason), Text: unknownText(reason)}
}

// commandItem tells the same as commandError for one of many.
func commandItem(code wire.ErrorCode) *torcv1.Failure {
	word := "COMMAND"
	if e, ok := commandErrors[code]; ok {
		word = e.word
	}
	return &torcv1.Failure{Outcome: torcv1.Failure_REFUSED, Reason: word, Text: code.Text()}
}

func reasonWord(r wire.Reason) string {
	if w, ok := reasonWords[r]; ok {
		return w
	}
	return "REFUSED"
}

func refusedText(r wire.Reason) string { return "not applied: " + r.String() }
func unknownText(r wire.Reason) string { return "outcome unknown: " + r.String() }
