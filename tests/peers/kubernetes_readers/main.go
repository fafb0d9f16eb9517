// Prints for each text on standard input which objects the readers of Kubernetes see in it: kubectl, apimachinery's other
// splitter, and an engine. A text comes as its length, a newline and its bytes; an answer is a line of JSON.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/cli-runtime/pkg/resource"
)

// View is what one reader sees: apiVersion, kind, namespace and name of each object, and why it stopped.
type View struct {
	Objects [][4]string `json:"objects"`
	Error   string      `json:"error,omitempty"`
}

type reader func([]byte) ([]*unstructured.Unstructured, error)

// The other files of this folder add the readers of the engines: their modules need different versions of Kubernetes.
var readers = map[string]reader{"kubectl": kubectl, "documents": documents}

func kubectl(text []byte) ([]*unstructured.Unstructured, error) {
	infos, err := resource.NewLocalBuilder().Unstructured().Stream(bytes.NewReader(text), "text").
		ContinueOnError().Flatten().Do().Infos()
	var found []*unstructured.Unstructured
	for _, info := range infos {
		if object, ok := info.Object.(*unstructured.Unstructured); ok {
			found = append(found, object)
		}
	}
	return found, err
}

func documents(text []byte) ([]*unstructured.Unstructured, error) {
	decoder := kubeyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	buffer := make([]byte, len(text)+1)
	var found []*unstructured.Unstructured
	var first error
	for {
		size, err := decoder.Read(buffer)
		if err == io.EOF {
			break
		}
		object := &unstructured.Unstructured{}
		document, err := kubeyaml.ToJSON(buffer[:size])
		if err == nil && string(bytes.TrimSpace(document)) == "null" {
			continue
		}
		if err == nil {
			err = object.UnmarshalJSON(document)
		}
		if err == nil {
			found = append(found, object)
		} else if first == nil {
			first = err
		}
	}
	return flattened(found, first)
}

// flattened takes lists apart, and theirs; the error is the first one, that was given or met.
func flattened(objects []*unstructured.Unstructured, first error) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	for _, object := range objects {
		if !object.IsList() {
			found = append(found, object)
			continue
		}
		err := object.EachListItem(func(item runtime.Object) error {
			inner, err := flattened([]*unstructured.Unstructured{item.(*unstructured.Unstructured)}, nil)
			found = append(found, inner...)
			return err
		})
		if first == nil {
			first = err
		}
	}
	return found, first
}

func view(read reader, text []byte) (seen View) {
	defer func() {
		if problem := recover(); problem != nil {
			seen = View{Objects: [][4]string{}, Error: fmt.Sprint("panic: ", problem)}
		}
	}()
	objects, err := read(text)
	seen = View{Objects: [][4]string{}}
	for _, object := range objects {
		seen.Objects = append(seen.Objects, [4]string{object.GetAPIVersion(), object.GetKind(), object.GetNamespace(), object.GetName()})
	}
	if err != nil {
		seen.Error = err.Error()
	}
	return seen
}

func main() {
	input := bufio.NewReader(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			return
		}
		size, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			panic(err)
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(input, text); err != nil {
			panic(err)
		}
		answer := map[string]View{}
		for name, read := range readers {
			answer[name] = view(read, text)
		}
		if err := output.Encode(answer); err != nil {
			panic(err)
		}
	}
}
