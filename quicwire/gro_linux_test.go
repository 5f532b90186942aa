package quicwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// cmsg returns a control message.
func cmsg(level, typ int32, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = level, typ
	h.SetLen(unix.CmsgLen(len(data)))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

// groMsg returns the control message of a run of datagrams.
func groMsg(size int32) []byte {
	return cmsg(unix.IPPROTO_UDP, unix.UDP_GRO, binary.NativeEndian.AppendUint32(nil, uint32(size)))
}

// tosMsg returns the control message that carries the ECN bits.
func tosMsg() []byte { return cmsg(unix.IPPROTO_IP, unix.IP_TOS, []byte{2}) }

// received is one message of the kernel.
type received struct {
	data, oob []byte
	port      int
}

// fakeKernel is a batchReader that returns prepared receives.
type fakeKernel struct {
	receives [][]received
	err      error
}

func (k *fakeKernel) ReadBatch(ms []ipv4.Message, _ int) (int, error) {
	if len(k.receives) == 0 {
		return 0, k.err
	}
	for i, r := range k.receives[0] {
		ms[i].N = copy(ms[i].Buffers[0], r.data)
		ms[i].NN = copy(ms[i].OOB, r.oob)
		ms[i].Addr = &net.UDPAddr{Port: r.port}
	}
	n := len(k.receives[0])
	k.receives = k.receives[1:]
	return n, nil
}

func TestGROSplit(t *testing.T) {
	data := func(n int) []byte { return bytes.Repeat([]byte("abcdefg"), n/7+1)[:n] }
	k := &fakeKernel{err: errors.New("end"), receives: [][]received{
		{{data(3000), append(tosMsg(), groMsg(1200)...), 1}, {data(100), tosMsg(), 2}},
		{{nil, nil, 3}, {data(50), groMsg(50), 4}, {data(51), groMsg(50), 5}},
		{{data(20), groMsg(0), 6}, {data(20), groMsg(-5), 7}, {data(20), groMsg(1 << 20), 8}, {data(9), []byte{1, 2, 3}, 9}},
	}}
	g := &groConn{in: k, msgs: groMessages()}
	var got []string
	for batch := 1; ; batch = batch%3 + 1 { // batches of all sizes cut runs anywhere
		ms := make([]ipv4.Message, batch)
		for i := range ms {
			ms[i].Buffers = [][]byte{make([]byte, 1452)}
			ms[i].OOB = make([]byte, 128)
		}
		n, err := g.ReadBatch(ms, 0)
		if err != nil {
			break
		}
		for _, m := range ms[:n] {
			if m.NN != 0 && !bytes.Equal(m.OOB[:m.NN], tosMsg()) {
				t.Errorf("control messages %x", m.OOB[:m.NN])
			}
			got = append(got, fmt.Sprintf("%d:%d:%d", m.Addr.(*net.UDPAddr).Port, m.N, m.NN))
		}
	}
	tos := len(tosMsg())
	want := fmt.Sprintf("1:1200:%d 1:1200:%d 1:600:%d 2:100:%d 3:0:0 4:50:0 5:50:0 5:1:0 6:20:0 7:20:0 8:20:0 9:9:0", tos, tos, tos, tos)
	if s := strings.Join(got, " "); s != want {
		t.Errorf("datagrams %s, want %s", s, want)
	}
}

// Half a control message stops quic-go's reader for good.
func TestGROControlMessagesStayWhole(t *testing.T) {
	oob := append(append(tosMsg(), groMsg(10)...), cmsg(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, make([]byte, 20))...)
	for room := range 128 {
		dst := make([]byte, room)
		size, n := splitOOB(dst, oob, 100)
		if size != 10 {
			t.Fatalf("segment size %d, want 10", size)
		}
		for rest := dst[:n]; len(rest) > 0; {
			var err error
			if _, _, rest, err = unix.ParseOneSocketControlMessage(rest); err != nil {
				t.Fatalf("room for %d bytes: %v", room, err)
			}
		}
	}
}

func FuzzGROControl(f *testing.F) {
	f.Add(append(tosMsg(), groMsg(1200)...), 3000)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1)
	f.Fuzz(func(t *testing.T, oob []byte, n int) {
		n = max(0, n%70_000)
		dst := make([]byte, 128)
		size, copied := splitOOB(dst, oob, n)
		if size < 0 || size > n || (size == 0 && n > 0) || copied > len(dst) {
			t.Fatalf("splitOOB = %d, %d for a message of %d", size, copied, n)
		}
	})
}

// The kernel's real runs, on both families.
func TestGROSocket(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) { testGROSocket(t, addr) })
	}
}

func testGROSocket(t *testing.T, addr string) {
	ua, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	in, err := net.ListenUDP("udp", ua)
	if err != nil {
		t.Skip("no such family here:", err)
	}
	defer in.Close()
	g, err := newGROConn(in)
	if err != nil {
		t.Skip("no UDP_GRO here:", err)
	}
	out, err := net.DialUDP("udp", nil, in.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	const size, count = 1000, 10
	run := make([]byte, size*count-300)
	for i := range run {
		run[i] = byte(i / size)
	}
	segment := cmsg(unix.IPPROTO_UDP, unix.UDP_SEGMENT, binary.NativeEndian.AppendUint16(nil, size))
	if _, _, err := out.WriteMsgUDP(run, segment, nil); err != nil {
		t.Skip("no UDP_SEGMENT here:", err)
	}
	var got []byte
	for n := 0; n < count; {
		ms := make([]ipv4.Message, 8)
		for i := range ms {
			ms[i].Buffers = [][]byte{make([]byte, 1452)}
			ms[i].OOB = make([]byte, 128)
		}
		k, err := g.ReadBatch(ms, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms[:k] {
			if want := min(size, len(run)-n*size); m.N != want {
				t.Fatalf("datagram %d of %d bytes, want %d", n, m.N, want)
			}
			got = append(got, m.Buffers[0][:m.N]...)
			n++
		}
	}
	if !bytes.Equal(got, run) {
		t.Error("the bytes differ")
	}
}
