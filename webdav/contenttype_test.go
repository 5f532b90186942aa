package webdav

import (
	"net/http"
	"strings"
	"testing"

	"kendfs/metadata"
)

func TestContentType(t *testing.T) {
	for name, want := range map[string]string{
		"":                              "application/octet-stream",
		".":                             "application/octet-stream",
		"a":                             "application/octet-stream",
		"a.":                            "application/octet-stream",
		".txt":                          "text/plain; charset=utf-8",
		"a.TXT":                         "text/plain; charset=utf-8",
		"a.tar.gz":                      "application/gzip",
		"a.7z":                          "application/x-7z-compressed",
		"a.docx":                        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"a.odt":                         "application/vnd.oasis.opendocument.text",
		"a.jpg":                         "image/jpeg",
		"a.heic":                        "image/heic",
		"a.mov":                         "video/quicktime",
		"a.flac":                        "audio/flac",
		"a.yml":                         "application/yaml",
		"a.woff2":                       "font/woff2",
		"a.exe":                         "application/octet-stream",
		"a.x\r\nX-Y: ":                  "application/octet-stream",
		"a." + strings.Repeat("t", 300): "application/octet-stream",
	} {
		if got := contentType(name); got != want {
			t.Errorf("%.20q: got %s, want %s", name, got, want)
		}
	}
	if got := entryType(&metadata.Entry{IsDir: true, Name: "a.txt"}); got != "httpd/unix-directory" {
		t.Errorf("directory: got %s", got)
	}
}

// Nothing that can carry a script is shown in place.
func TestPassive(t *testing.T) {
	for _, name := range []string{"a.html", "a.htm", "a.xhtml", "a.xht", "a.svg", "a.svgz", "a.xml", "a.xsl", "a.pdf", "a.js", "a.mjs", "a.css", "a.wasm", "a", "a.mht", "a.swf"} {
		head := make(http.Header)
		sandbox(head, contentType(name))
		if head.Get("Content-Disposition") != "attachment" || head.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: got %v", name, head)
		}
	}
	for _, name := range []string{"a.txt", "a.jpg", "a.mp3", "a.webm", "a.csv", "a.md"} {
		if !passive(contentType(name)) {
			t.Errorf("%s is not shown", name)
		}
	}
}
