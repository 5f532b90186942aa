package webdav

import (
	"net/http"
	"path"
	"strings"

	"kendfs/metadata"
)

const (
	typeUnknown   = "application/octet-stream"
	typeDirectory = "httpd/unix-directory" // what Apache's mod_dav says, and clients know
)

// contentType returns the media type of a file, from its name alone: its bytes
// are not looked at, so that a listing costs no read and nobody can make a
// picture into a page. The table is our own, because the system's differs from
// one gateway to the next.
func contentType(name string) string {
	ext := path.Ext(name)
	if len(ext) < 2 || len(ext) > 12 {
		return typeUnknown
	}
	switch ext = strings.ToLower(ext[1:]); ext {
	case "txt", "log", "text", "conf", "ini", "cfg":
		return "text/plain; charset=utf-8"
	case "md", "markdown":
		return "text/markdown; charset=utf-8"
	case "csv":
		return "text/csv; charset=utf-8"
	case "html", "htm":
		return "text/html; charset=utf-8"
	case "css":
		return "text/css; charset=utf-8"
	case "js", "mjs":
		return "text/javascript; charset=utf-8"
	case "ics":
		return "text/calendar; charset=utf-8"
	case "vcf":
		return "text/vcard; charset=utf-8"
	}
	if t := mediaType(ext); t != "" {
		return t
	}
	if t := documentType(ext); t != "" {
		return t
	}
	return typeUnknown
}

// mediaType knows pictures, sound and film.
func mediaType(ext string) string {
	switch ext {
	case "jpg", "jpeg", "jpe":
		return "image/jpeg"
	case "png", "gif", "webp", "avif", "bmp", "heic", "heif", "jxl":
		return "image/" + ext
	case "svg", "svgz":
		return "image/svg+xml"
	case "tif", "tiff":
		return "image/tiff"
	case "ico":
		return "image/vnd.microsoft.icon"
	case "psd":
		return "image/vnd.adobe.photoshop"
	case "mp3":
		return "audio/mpeg"
	case "m4a":
		return "audio/mp4"
	case "flac", "ogg", "opus", "aac", "wav":
		return "audio/" + ext
	case "mp4", "m4v":
		return "video/mp4"
	case "mov", "qt":
		return "video/quicktime"
	case "mkv":
		return "video/matroska"
	case "avi":
		return "video/x-msvideo"
	case "webm", "mpeg":
		return "video/" + ext
	case "mpg":
		return "video/mpeg"
	case "ttf", "otf", "woff", "woff2":
		return "font/" + ext
	}
	return ""
}

// documentType knows documents and archives.
func documentType(ext string) string {
	const (
		office = "application/vnd.openxmlformats-officedocument."
		oasis  = "application/vnd.oasis.opendocument."
	)
	switch ext {
	case "pdf", "json", "zip", "gzip", "rtf", "wasm", "sql", "yaml", "toml":
		return "application/" + ext
	case "yml":
		return "application/yaml"
	case "xml", "xsl", "xslt", "xsd":
		return "application/xml"
	case "xhtml", "xht":
		return "application/xhtml+xml"
	case "gz", "tgz":
		return "application/gzip"
	case "tar", "xz":
		return "application/x-" + ext
	case "bz2":
		return "application/x-bzip2"
	case "7z":
		return "application/x-7z-compressed"
	case "zst":
		return "application/zstd"
	case "rar":
		return "application/vnd.rar"
	case "epub":
		return "application/epub+zip"
	case "doc":
		return "application/msword"
	case "xls":
		return "application/vnd.ms-excel"
	case "ppt":
		return "application/vnd.ms-powerpoint"
	case "docx":
		return office + "wordprocessingml.document"
	case "xlsx":
		return office + "spreadsheetml.sheet"
	case "pptx":
		return office + "presentationml.presentation"
	case "odt":
		return oasis + "text"
	case "ods":
		return oasis + "spreadsheet"
	case "odp":
		return oasis + "presentation"
	}
	return ""
}

// entryType returns the media type of an entry.
func entryType(e *metadata.Entry) string {
	if e.IsDir {
		return typeDirectory
	}
	return contentType(e.Name)
}

// passive reports that a browser may show the type in place: it cannot carry a
// script.
func passive(mediatype string) bool {
	kind, _, _ := strings.Cut(mediatype, "/")
	switch {
	case mediatype == "image/svg+xml":
		return false
	case kind == "image", kind == "audio", kind == "video", kind == "font":
		return true
	}
	return strings.HasPrefix(mediatype, "text/plain") || strings.HasPrefix(mediatype, "text/csv") ||
		strings.HasPrefix(mediatype, "text/markdown")
}

// sandbox sets what keeps a stored file from acting in the drive's name in a
// browser: no script, no sniffing, no use by other origins, and what is not
// plainly passive is saved instead of shown.
func sandbox(head http.Header, mediatype string) {
	head["X-Content-Type-Options"] = []string{"nosniff"}
	head["Content-Security-Policy"] = []string{"sandbox; default-src 'none'"}
	head["Cross-Origin-Resource-Policy"] = []string{"same-origin"}
	if !passive(mediatype) {
		head["Content-Disposition"] = []string{"attachment"}
	}
}
