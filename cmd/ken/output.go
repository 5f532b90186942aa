package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unsafe"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/shell"
)

// table prints aligned columns, two blanks apart. An empty table prints its
// heading only.
type table struct {
	w     io.Writer
	right []bool // columns of numbers
	rows  [][]string
}

// newTable makes a table. A heading that begins with ">" is that of a column
// whose cells are aligned to the right: sizes and counts.
func newTable(w io.Writer, heading ...string) *table {
	t := &table{w: w}
	for i, h := range heading {
		name, right := strings.CutPrefix(h, ">")
		heading[i], t.right = name, append(t.right, right)
	}
	if len(heading) > 0 {
		t.row(heading...)
	}
	return t
}

// row adds a line. Names and texts in it may be anybody's.
func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = shell.Printable(c)
	}
	t.rows = append(t.rows, cells)
}

func (t *table) flush() error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-columns(cell))
			switch {
			case i < len(t.right) && t.right[i]:
				b.WriteString(pad + cell)
			case i == len(row)-1: // lines do not end in blanks
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
			if i < len(row)-1 {
				b.WriteString("  ")
			}
		}
		b.WriteByte('\n')
	}
	t.rows = nil
	_, err := io.WriteString(t.w, b.String())
	return err
}

// printJSON prints v indented, for scripts.
func printJSON(c *cobra.Command, v any) error {
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// report prints what was done: v for scripts, the sentence for people.
func report(c *cobra.Command, g *globals, v any, format string, args ...any) error {
	if g.output == "json" {
		return printJSON(c, v)
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), format+"\n", args...)
	return err
}

// bytesText prints a size with a binary unit: "0 B", "4.0 KiB", "704 MiB".
func bytesText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, units := float64(n)/1024, "KMGTPE"
	i := 0
	for f >= 1023.5 && i < len(units)-1 {
		f /= 1024
		i++
	}
	digits := 1
	if f >= 99.95 {
		digits = 0
	}
	return fmt.Sprintf("%.*f %ciB", digits, f, units[i])
}

// spanText prints how long ago t was: "3 s", "5 min", "2 h", "4 d".
func spanText(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(int(d.Seconds()), 0))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d d", int(d.Hours()/24))
	}
}

// countText prints a number with its noun: "1 file", "2 files", "0 directories".
func countText(n int64, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay"):
		noun = noun[:len(noun)-1] + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// percentText prints a part of a whole: "0%", "<1%", "12%".
func percentText(part, whole int64) string {
	switch {
	case whole <= 0:
		return "-"
	case part > 0 && part < whole/100:
		return "<1%"
	}
	return fmt.Sprintf("%.0f%%", 100*float64(part)/float64(whole))
}

// terminalSize is how many columns and rows the terminal behind w has; 0: w is
// none, or it does not say (tty_ioctl(4), TIOCGWINSZ).
func terminalSize(w io.Writer) (columns, rows int) {
	if s, ok := w.(*screen); ok {
		return s.wide, s.high
	}
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	var size struct{ rows, columns, x, y uint16 }
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, 0
	}
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	})
	if err != nil || errno != 0 {
		return 0, 0
	}
	return int(size.columns), int(size.rows)
}

// screen is where a page is put together for a terminal of that size.
type screen struct {
	bytes.Buffer
	wide, high int
}

// columns is how many columns of a terminal a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// runeColumns: letters of East Asia and emoji take two, marks that combine with
// the letter before them none.
func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf && r != 0x303f, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f680 && r <= 0x1f6ff, r >= 0x1f900 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// cut shortens a text to so many columns.
func cut(s string, most int) string {
	if columns(s) <= most {
		return s
	}
	at := 0
	for i, r := range s {
		if at += runeColumns(r); at > most-1 { // with the ellipsis
			return s[:i] + "…"
		}
	}
	return s
}

// dash stands for an empty cell.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
