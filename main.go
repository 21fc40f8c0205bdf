// Command cage is a set of small applets for second copies of this machine.
package main

import (
	"os"

	"cage/applets"
)

func main() { os.Exit(applets.Main(os.Args, os.Stdout, os.Stderr)) }
