package admin

import (
	"encoding/json"
	"net/http"
)

// desktop is a stored layout, sent as it is.
type desktop []byte

// VisitGetDesktopResponse implements api.GetDesktopResponseObject.
func (d desktop) VisitGetDesktopResponse(w http.ResponseWriter) error {
	if !json.Valid(d) {
		d = desktop("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(d)
	return err
}

func marshal(v any) ([]byte, error) { return json.Marshal(v) }
