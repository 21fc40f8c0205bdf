package applets

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestJSON reads with encoding/json what is written without it.
func TestJSON(t *testing.T) {
	text := "a \"b\" \\ /<&>\x00\x1b\n\r\t\x7f  鳥かご \U0001f426 \U000e0001 \u202e \xff"
	v := object{
		{"null", nil}, {"text", text}, {"state", up}, {"yes", true}, {"n", -1}, {"size", int64(1) << 52}, {text, ""},
		{"list", []string{"a", text}}, {"none", []string{}}, {"objects", []object{{{"a", object{}}}, {}}}, {"nil", []string(nil)},
	}
	valid := "a \"b\" \\ /<&>\x00\x1b\n\r\t\x7f  鳥かご \U0001f426 \U000e0001 \u202e �"
	want := map[string]any{
		"null": nil, "text": valid, "state": "up", "yes": true, "n": -1.0, "size": float64(int64(1) << 52), valid: "",
		"list": []any{"a", valid}, "none": []any{}, "objects": []any{map[string]any{"a": map[string]any{}}, map[string]any{}}, "nil": []any{},
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(jsonText(v)), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nis %#v, %v\nwant %#v", jsonText(v), got, err, want)
	}
}
