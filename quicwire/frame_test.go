package quicwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/proto"

	"kendfs/quicwire/wirepb"
)

// testEnvelope has every field.
func testEnvelope() *wirepb.Envelope {
	return &wirepb.Envelope{
		Version: 1, Kind: kindCall, Method: 300, TimeoutUs: 1_000_000, Request: 7,
		Status: 3, Message: "no", Body: []byte{0xca, 0xfe},
	}
}

// goldenFrame is testEnvelope on the wire.
func goldenFrame() []byte {
	return []byte{
		0, 0, 0, 0x17, // bytes that follow
		0x08, 1, // version
		0x10, 1, // kind
		0x18, 0xac, 0x02, // method
		0x20, 0xc0, 0x84, 0x3d, // timeout
		0x28, 7, // request
		0x30, 3, // status
		0x3a, 2, 'n', 'o', // message
		0x42, 2, 0xca, 0xfe, // body
	}
}

func TestFrameGolden(t *testing.T) {
	got, err := appendFrame(nil, testEnvelope(), BodyBytesMax)
	if err != nil || !bytes.Equal(got, goldenFrame()) {
		t.Fatalf("appendFrame = %x, %v, want %x", got, err, goldenFrame())
	}
	r := frameReader{r: bytes.NewReader(append(got, got...)), bodyMax: BodyBytesMax}
	for range 2 {
		var env wirepb.Envelope
		if err := r.next(&env); err != nil || !proto.Equal(&env, testEnvelope()) {
			t.Fatalf("next = %v, %v", &env, err)
		}
	}
	if err := r.next(&wirepb.Envelope{}); err != io.EOF {
		t.Fatalf("next at the end: %v, want EOF", err)
	}
}

// The example of DESIGN.md.
func TestFrameExample(t *testing.T) {
	env := testEnvelope()
	env.Status, env.Message = 0, ""
	got, err := appendFrame(nil, env, BodyBytesMax)
	want := "000000110801100118ac0220c0843d28074202cafe"
	if err != nil || fmt.Sprintf("%x", got) != want {
		t.Errorf("appendFrame = %x, %v, want %s", got, err, want)
	}
}

func TestFrameTruncated(t *testing.T) {
	frame := goldenFrame()
	for n := 1; n < len(frame); n++ {
		r := frameReader{r: iotest.OneByteReader(bytes.NewReader(frame[:n])), bodyMax: BodyBytesMax}
		if err := r.next(&wirepb.Envelope{}); err != io.ErrUnexpectedEOF {
			t.Errorf("%d of %d bytes: %v, want unexpected EOF", n, len(frame), err)
		}
	}
}

func TestFrameRefused(t *testing.T) {
	version := testEnvelope()
	version.Version = 2
	future, _ := appendFrame(nil, version, BodyBytesMax)
	for _, tt := range []struct {
		name string
		in   []byte
		code uint32
	}{
		{"length over the limit", binary.BigEndian.AppendUint32(nil, 1000+frameSlack+1), CodeTooLarge},
		{"largest length", []byte{0xff, 0xff, 0xff, 0xff}, CodeTooLarge},
		{"no protobuf", []byte{0, 0, 0, 1, 0xff}, CodeInvalid},
		{"invalid UTF-8", []byte{0, 0, 0, 5, 0x08, 1, 0x3a, 1, 0xff}, CodeInvalid},
		{"empty", []byte{0, 0, 0, 0}, CodeUnsupported},
		{"version 2", future, CodeUnsupported},
	} {
		r := frameReader{r: bytes.NewReader(tt.in), bodyMax: 1000}
		err := r.next(&wirepb.Envelope{})
		var e *Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s: %v, want code %d", tt.name, err, tt.code)
		}
	}
	if _, err := appendFrame(nil, &wirepb.Envelope{Body: make([]byte, 1001)}, 1000); err == nil {
		t.Error("a body over the limit is sent")
	}
	if _, err := appendFrame(nil, &wirepb.Envelope{Message: "\xff"}, 1000); err == nil {
		t.Error("a message that is no text is sent")
	}
}

// A length is believed only as far as bytes follow it.
func TestFrameAllocation(t *testing.T) {
	in := append(binary.BigEndian.AppendUint32(nil, BodyBytesMax), make([]byte, 100)...)
	r := frameReader{r: bytes.NewReader(in), bodyMax: BodyBytesMax}
	if err := r.next(&wirepb.Envelope{}); err != io.ErrUnexpectedEOF {
		t.Fatalf("next: %v", err)
	}
	if cap(r.buf) > 2*bufferFirstMax {
		t.Errorf("100 bytes of a frame made a buffer of %d", cap(r.buf))
	}
}

func TestFrameBufferNotKept(t *testing.T) {
	big, err := appendFrame(nil, &wirepb.Envelope{Version: 1, Body: make([]byte, BodyBytesMax)}, BodyBytesMax)
	if err != nil {
		t.Fatal(err)
	}
	r := frameReader{r: bytes.NewReader(append(big, goldenFrame()...)), bodyMax: BodyBytesMax}
	var first, second wirepb.Envelope
	if err := r.next(&first); err != nil || len(first.Body) != BodyBytesMax {
		t.Fatalf("next: %d bytes, %v", len(first.Body), err)
	}
	if err := r.next(&second); err != nil || cap(r.buf) > bufferKeptMax {
		t.Errorf("a buffer of %d bytes is kept, %v", cap(r.buf), err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(goldenFrame())
	f.Add([]byte{0, 0, 0, 2, 0x08, 1})
	f.Add([]byte{0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		const limit = 1 << 16
		r := frameReader{r: bytes.NewReader(in), bodyMax: limit}
		for {
			var env wirepb.Envelope
			if err := r.next(&env); err != nil {
				return
			}
			if env.Version != envelopeVersion {
				t.Fatalf("version %d was accepted", env.Version)
			}
			out, err := appendFrame(nil, &env, limit+frameSlack)
			if err != nil {
				t.Fatalf("cannot encode what was decoded: %v", err)
			}
			var again wirepb.Envelope
			rr := frameReader{r: bytes.NewReader(out), bodyMax: limit + frameSlack}
			if err := rr.next(&again); err != nil || !proto.Equal(&env, &again) {
				t.Fatalf("decode, encode, decode: %v, %v", &again, err)
			}
		}
	})
}
