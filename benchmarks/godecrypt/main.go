// Decrypts every file named on standard input, one a line, with sops' own Go library in one process:
// the peer that `render` of many files is measured against.
package main

import (
	"bufio"
	"log"
	"os"

	"github.com/getsops/sops/v3/decrypt"
)

func main() {
	names := bufio.NewScanner(os.Stdin)
	for names.Scan() {
		cleartext, err := decrypt.File(names.Text(), "yaml")
		if err != nil {
			log.Fatalf("%s: %v", names.Text(), err)
		}
		os.Stdout.Write(cleartext)
	}
}
