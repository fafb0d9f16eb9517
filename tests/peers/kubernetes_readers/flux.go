package main

import (
	"bytes"

	"github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func init() {
	readers["flux"] = func(text []byte) ([]*unstructured.Unstructured, error) {
		return utils.ReadObjects(bytes.NewReader(text))
	}
}
