package shell

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"kendfs/metadata"
)

// ErrInterrupted is what Lines return when a person drops the line with Ctrl-C.
var ErrInterrupted = errors.New("the line was dropped")

// Lines is where a shell's lines come from.
type Lines interface {
	// Line returns the next line without its end. io.EOF: there is none.
	Line(prompt string) (string, error)
	// Ask returns the answer to a question.
	Ask(question string) (string, error)
	// Number is that of the last line, from 1 on; 0 where lines have none.
	Number() int
}

// script is Lines from a file or a pipe.
type script struct {
	r *bufio.Reader
	n int
}

// NewScript reads lines from r. It asks nobody: the answer to a question is the
// next line.
func NewScript(r io.Reader) Lines { return &script{r: bufio.NewReaderSize(r, LineBytesMax)} }

func (s *script) Line(string) (string, error) {
	s.n++
	b, err := s.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", metadata.Errorf(metadata.KindTooLarge, "the line is longer than %d bytes", LineBytesMax)
	case errors.Is(err, io.EOF) && len(b) > 0:
		err = nil
	}
	line := strings.TrimRight(string(b), "\r\n")
	if s.n == 1 {
		line = strings.TrimPrefix(line, "\ufeff")
	}
	return line, err
}

func (s *script) Ask(question string) (string, error) {
	line, err := s.Line("")
	if errors.Is(err, io.EOF) {
		err = metadata.Errorf(metadata.KindInvalid, "the script ends where it should answer %q", strings.TrimSpace(question))
	}
	return strings.TrimSpace(line), err
}

func (s *script) Number() int { return s.n }
