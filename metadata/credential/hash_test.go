package credential

import (
	"net/netip"
	"strings"
	"testing"

	"kendfs/metadata"
)

// cheap is a hash that the bounds allow and that costs next to nothing.
func cheap(t testing.TB, password string) string {
	t.Helper()
	p := params{memoryKiB: memoryKiBMin, passes: 1, lanes: 1, salt: []byte("saltsaltsaltsalt")}
	p.key = p.derive(password, newKeyBytes)
	return p.String()
}

func TestHashAndVerify(t *testing.T) {
	h, err := Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(h, want) {
		t.Errorf("Hash = %q, want prefix %q", h, want)
	}
	for password, want := range map[string]bool{
		"correct horse": true, "correct horse ": false, "": false, strings.Repeat("x", PasswordBytesMax+1): false,
	} {
		if got, err := Verify(password, h); got != want || err != nil {
			t.Errorf("Verify(%.20q) = %v, %v, want %v", password, got, err, want)
		}
	}
	again, _ := Hash("correct horse")
	if again == h {
		t.Error("two hashes of a password are equal: no salt")
	}
	if err := CheckHash(h); err != nil {
		t.Errorf("CheckHash: %v", err)
	}
}

func TestHashRefuses(t *testing.T) {
	for password, want := range map[string]metadata.Kind{
		"": metadata.KindInvalid, strings.Repeat("x", PasswordBytesMax+1): metadata.KindTooLarge,
	} {
		if _, err := Hash(password); err == nil || metadata.KindOf(err) != want {
			t.Errorf("Hash(%d bytes) = %v, want %v", len(password), err, want)
		}
	}
}

// The vector is of the reference implementation: echo -n password |
// argon2 somesalt -id -t 2 -m 16 -p 1 (P-H-C/phc-winner-argon2, test.c).
func TestVerifyVector(t *testing.T) {
	const h = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := Verify("password", h); !ok || err != nil {
		t.Errorf("Verify = %v, %v, want true", ok, err)
	}
	if ok, err := Verify("Password", h); ok || err != nil {
		t.Errorf("Verify of a wrong password = %v, %v, want false", ok, err)
	}
}

func TestParseRefuses(t *testing.T) {
	good := cheap(t, "x")
	if _, err := parse(good); err != nil {
		t.Fatalf("parse(%q): %v", good, err)
	}
	tail := good[strings.Index(good, "$c2F"):]
	bad := []string{
		"", "$", "plain", "$2a$10$abcdefghijklmnopqrstuv", // bcrypt
		strings.Replace(good, "argon2id", "argon2i", 1),
		strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=8", "m=4", 1),
		strings.Replace(good, "m=8", "m=99999999", 1),
		strings.Replace(good, "m=8", "m=08", 1),
		strings.Replace(good, "m=8", "m=+8", 1),
		strings.Replace(good, "m=8", "m=-8", 1),
		strings.Replace(good, "t=1", "t=0", 1),
		strings.Replace(good, "t=1", "t=17", 1),
		strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=9", 1),
		strings.Replace(good, "p=1", "p=2", 1), // 8 KiB are too little for two lanes
		strings.Replace(good, "p=1", "p=1,x=2", 1),
		strings.Replace(good, "m=8,t=1", "t=1,m=8", 1),
		"$argon2id$v=19$m=8,t=1,p=1" + strings.Replace(tail, "c2F", "!!!", 1),
		"$argon2id$v=19$m=8,t=1,p=1$c2Fs$" + strings.Split(tail, "$")[2],
		"$argon2id$v=19$m=8,t=1,p=1$" + strings.Split(tail, "$")[1] + "$c2Fs",
		good + "=", good + "$", good + "\n", good + strings.Repeat("A", hashBytesMax),
	}
	for _, s := range bad {
		if p, err := parse(s); err == nil || metadata.KindOf(err) != metadata.KindCorrupt {
			t.Errorf("parse(%.80q) = %+v, %v, want KindCorrupt", s, p, err)
		}
	}
	for i := range good {
		// A shorter key is a hash of its own: argon2 hashes the length too.
		if ok, err := Verify("x", good[:i]); ok {
			t.Errorf("Verify against the first %d bytes of the hash = %v, %v, want false", i, ok, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(cheap(f, "x"))
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=4294967295$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parse(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Errorf("parse(%q).String() = %q", s, p.String())
		}
		if p.memoryKiB > memoryKiBMax || p.passes > passesMax || len(p.salt) > saltBytesMax || len(p.key) > keyBytesMax {
			t.Errorf("parse(%q) accepts parameters out of bounds: %+v", s, p)
		}
	})
}

func TestRandomPassword(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		p := RandomPassword()
		if len(p) != 23 || strings.Count(p, "-") != 3 || strings.ContainsAny(p, "lo01O") || seen[p] {
			t.Fatalf("RandomPassword = %q", p)
		}
		seen[p] = true
	}
}

// FuzzHostOf: whatever stands in front of a port, the host is short, and is
// the same for every port.
func FuzzHostOf(f *testing.F) {
	for _, s := range []string{"192.0.2.1:80", "[2001:db8::1%eth0]:80", "::1", "", "[::ffff:1.2.3.4]:1", "x:y:z"} {
		f.Add(s, uint16(80))
	}
	f.Fuzz(func(t *testing.T, host string, port uint16) {
		if got := hostOf(host); len(got) > 64 {
			t.Errorf("hostOf(%q) has %d bytes", host, len(got))
		}
		addr, err := netip.ParseAddr(host)
		if err != nil {
			return
		}
		if a, b := hostOf(host), hostOf(netip.AddrPortFrom(addr, port).String()); a != b {
			t.Errorf("hostOf(%q) = %q, with port %d %q", host, a, port, b)
		}
	})
}

// A gateway's memory does not grow with the number of sign-ins: 19 MiB are
// taken for each hashing under way, and given back.
func TestHashingsAreBoundedInMemory(t *testing.T) {
	p := params{memoryKiB: newMemoryKiB, passes: newPasses, lanes: newLanes, salt: make([]byte, newSaltBytes)}
	one := testing.AllocsPerRun(1, func() { p.derive("x", newKeyBytes) })
	if one > 100 {
		t.Errorf("a hashing allocates %v times", one)
	}
	if newMemoryKiB > 19<<10 {
		t.Errorf("a hashing takes %d KiB, gateways have room for 19 MiB", newMemoryKiB)
	}
}
