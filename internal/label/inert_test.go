package label_test

import (
	"testing"

	"github.com/vaultpam/vaultpam/internal/label"
)

func TestInertIsNoFormula(t *testing.T) {
	for in, want := range map[string]string{"": "", "web": "web", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\t=1": "'\t=1", "\uff1d1": "'\uff1d1", "a=b": "a=b"} {
		if got := label.Inert(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
