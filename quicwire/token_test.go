package quicwire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// testToken returns a valid token.
func testToken() Token {
	t := Token{Addrs: []string{"ns1.example.org:7800", "[2001:db8::1]:7800"}, ID: "t-1", Secret: []byte("0123456789abcdef")}
	for i := range t.CA {
		t.CA[i] = byte(i)
	}
	return t
}

// goldenToken is testToken as every version must read it.
const goldenToken = "KEN1-AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQG5BNGEIDAMJSGM2DKNRXHA4WCYTDMRSWMAQUNZZTCLTFPBQW24DMMUXG64THHI3TQMBQCJNTEMBQGE5GIYRYHI5DCXJ2G44DAMCDFC3HO"

func TestToken(t *testing.T) {
	text, err := testToken().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if text != goldenToken {
		t.Errorf("Encode = %s, want %s", text, goldenToken)
	}
	for _, s := range []string{text, " " + text + "\n", strings.ToLower(text)} {
		got, err := ParseToken(s)
		want := testToken()
		if err != nil || !slices.Equal(got.Addrs, want.Addrs) || got.CA != want.CA || got.ID != want.ID ||
			string(got.Secret) != string(want.Secret) {
			t.Errorf("ParseToken(%q) = %#v, %v", s, got, err)
		}
	}
}

func TestTokenEveryMistake(t *testing.T) {
	for i := range goldenToken {
		if _, err := ParseToken(goldenToken[:i]); err == nil {
			t.Errorf("the first %d characters are a token", i)
		}
		c := byte('A')
		if goldenToken[i] == c {
			c = 'B'
		}
		if _, err := ParseToken(goldenToken[:i] + string(c) + goldenToken[i+1:]); err == nil {
			t.Errorf("a token with character %d changed to %c is a token", i, c)
		}
	}
	for _, s := range []string{"", "KEN1-", "KEN2-AAAA", goldenToken + "A", goldenToken + "AAAAAAAA", strings.Repeat("A", 5000)} {
		if _, err := ParseToken(s); err == nil {
			t.Errorf("ParseToken(%.20q…) succeeds", s)
		}
	}
}

func TestTokenValidate(t *testing.T) {
	for name, change := range map[string]func(*Token){
		"no id":        func(t *Token) { t.ID = "" },
		"bad id":       func(t *Token) { t.ID = "a b" },
		"short secret": func(t *Token) { t.Secret = t.Secret[:15] },
		"long secret":  func(t *Token) { t.Secret = make([]byte, 33) },
		"no CA":        func(t *Token) { t.CA = [32]byte{} },
		"no address":   func(t *Token) { t.Addrs = nil },
		"9 addresses":  func(t *Token) { t.Addrs = slices.Repeat(t.Addrs[:1], 9) },
		"no port":      func(t *Token) { t.Addrs[0] = "host" },
		"port 0":       func(t *Token) { t.Addrs[0] = "host:0" },
		"port name":    func(t *Token) { t.Addrs[0] = "host:http" },
		"no host":      func(t *Token) { t.Addrs[0] = ":7800" },
		"long host":    func(t *Token) { t.Addrs[0] = strings.Repeat("h", 256) + ":1" },
		"too much":     func(t *Token) { t.Addrs = slices.Repeat([]string{strings.Repeat("h", 200) + ":1"}, 8) },
	} {
		tok := testToken()
		change(&tok)
		if text, err := tok.Encode(); err == nil {
			t.Errorf("%s: Encode = %s", name, text)
		}
	}
}

func TestTokenHidesSecret(t *testing.T) {
	tok := testToken()
	for _, s := range []string{
		fmt.Sprint(tok), fmt.Sprintf("%v %+v %#v %s", tok, tok, tok, tok), fmt.Sprintf("%v", &tok), tok.LogValue().String(),
	} {
		if strings.Contains(s, "0123456789") || strings.Contains(s, "48 49 50") || strings.Contains(s, "KEN1-") {
			t.Errorf("%q tells the secret", s)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add(goldenToken)
	f.Add("KEN1-AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := ParseToken(s)
		if err != nil {
			return
		}
		text, err := tok.Encode()
		if err != nil || text != strings.ToUpper(strings.TrimSpace(s)) {
			t.Fatalf("ParseToken(%q) encodes to %q, %v", s, text, err)
		}
	})
}
