package main

import (
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// As the repository server does with what a plugin prints: lists are taken apart afterwards.
func init() {
	readers["argocd"] = func(text []byte) ([]*unstructured.Unstructured, error) {
		split, err := kube.SplitYAML(text)
		return flattened(split, err)
	}
}
