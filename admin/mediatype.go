package admin

import (
	"path"
	"strings"
)

const typeUnknown = "application/octet-stream"

// inlineTypes are the files that a browser may show on the desktop's origin:
// pictures, sound, film and plain text, none of which can run anything. The
// answer carries a sandbox and forbids guessing all the same. SVG, HTML, XML and
// PDF are documents with behaviour and are never among them.
func inlineTypes() map[string]string {
	return map[string]string{
		"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "avif": "image/avif",
		"mp3": "audio/mpeg", "ogg": "audio/ogg", "oga": "audio/ogg", "wav": "audio/wav", "mp4": "video/mp4", "webm": "video/webm",
	}
}

// textTypes are sent as plain text, whatever they are.
func textTypes() []string {
	return []string{
		"txt", "log", "md", "markdown", "csv", "tsv", "json", "yaml", "yml", "toml", "ini", "conf", "cfg", "go", "py", "c", "h", "rs",
		"java", "sh", "sql", "tex", "diff", "patch",
	}
}

// otherTypes are for lists of files only; they are downloaded, not shown.
func otherTypes() map[string]string {
	return map[string]string{
		"html": "text/html", "htm": "text/html", "svg": "image/svg+xml", "xml": "application/xml", "pdf": "application/pdf",
		"zip": "application/zip", "gz": "application/gzip", "tar": "application/x-tar", "7z": "application/x-7z-compressed",
		"doc": "application/msword", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"xls": "application/vnd.ms-excel", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"ppt": "application/vnd.ms-powerpoint", "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		"odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
		"tif": "image/tiff", "tiff": "image/tiff", "heic": "image/heic", "mov": "video/quicktime", "mkv": "video/x-matroska",
		"flac": "audio/flac", "m4a": "audio/mp4", "js": "text/javascript", "css": "text/css",
	}
}

func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}

// mediaTypeOf is what a list says about a file, from its name.
func mediaTypeOf(name string) string {
	ext := extension(name)
	if t := inlineTypes()[ext]; t != "" {
		return t
	}
	if t := otherTypes()[ext]; t != "" {
		return t
	}
	for _, t := range textTypes() {
		if t == ext {
			return "text/plain"
		}
	}
	return typeUnknown
}

// inlineTypeOf is the type with which a file may be shown, or "": download only.
func inlineTypeOf(name string) string {
	ext := extension(name)
	for _, t := range textTypes() {
		if t == ext {
			return "text/plain; charset=utf-8"
		}
	}
	return inlineTypes()[ext]
}
