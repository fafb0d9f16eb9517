// The oracle prints how sops' own YAML store reads a text: the tree, its types and its comments, as JSON.
//
// Input, repeated: a decimal length, a line feed, that many bytes. Output: one JSON line for each input,
// {"documents": [...]} or {"error": "..."}. A panic of the store counts as an error.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/stores/yaml"
)

type object = map[string]interface{}

func leaf(kind string, text string) object {
	return object{"type": kind, "text": text}
}

func show(value interface{}) interface{} {
	switch value := value.(type) {
	case nil:
		return leaf("null", "")
	case string:
		if !utf8.ValidString(value) {
			return leaf("bytes", hex.EncodeToString([]byte(value)))
		}
		return leaf("str", value)
	case bool:
		return leaf("bool", strconv.FormatBool(value))
	case int:
		return leaf("int", strconv.Itoa(value))
	case float64:
		// The bits, so that no rounding of a text is compared; every NaN is one.
		if math.IsNaN(value) {
			return leaf("float", "nan")
		}
		return leaf("float", strconv.FormatUint(math.Float64bits(value), 16))
	case time.Time:
		text, err := value.MarshalText()
		if err != nil {
			return leaf("error", err.Error())
		}
		return leaf("time", string(text))
	case sops.Comment:
		return object{"type": "comment", "text": value.Value, "inline": value.Inline}
	case sops.TreeBranch:
		items := []interface{}{}
		for _, item := range value {
			if comment, ok := item.Key.(sops.Comment); ok {
				items = append(items, show(comment))
				continue
			}
			items = append(items, []interface{}{show(item.Key), show(item.Value)})
		}
		return object{"type": "map", "items": items}
	case []interface{}:
		items := []interface{}{}
		for _, item := range value {
			items = append(items, show(item))
		}
		return object{"type": "list", "items": items}
	default:
		return leaf(fmt.Sprintf("%T", value), fmt.Sprint(value))
	}
}

func read(text []byte) (answer object) {
	defer func() {
		if reason := recover(); reason != nil {
			answer = object{"error": fmt.Sprint("panic: ", reason)}
		}
	}()
	branches, err := yaml.NewStore(&config.YAMLStoreConfig{}).LoadPlainFile(text)
	if err != nil {
		return object{"error": err.Error()}
	}
	documents := []interface{}{}
	for _, branch := range branches {
		documents = append(documents, show(branch))
	}
	return object{"documents": documents}
}

func main() {
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	encoder.SetEscapeHTML(false)
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			return
		}
		length, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			fmt.Fprintln(os.Stderr, "oracle: no length:", strings.TrimSpace(line))
			os.Exit(2)
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(input, text); err != nil {
			fmt.Fprintln(os.Stderr, "oracle: short input")
			os.Exit(2)
		}
		if err := encoder.Encode(read(text)); err != nil {
			fmt.Fprintln(os.Stderr, "oracle:", err)
			os.Exit(2)
		}
		if input.Buffered() == 0 {
			output.Flush()
		}
	}
}
