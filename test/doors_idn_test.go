package test

import "maps"

func init() {
	maps.Copy(bodies, map[string]obj{
		"suspend-member": {"comment": "x"},
	})
}
