// The twin answers what Knative Serving's own autoscaler does with given histories: JSON lines in,
// JSON lines out, one for each. No clock is read where a history names the time.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"math"
	"os"
)

// question holds one of its fields.
type question struct {
	Autoscaler *history
	Requests   *requests
	Activator  *requests
	Revision   *revision
	Durations  []string
	Pods       []int
}

func (q question) answer() any {
	switch {
	case q.Autoscaler != nil:
		return q.Autoscaler.play()
	case q.Requests != nil:
		return q.Requests.countedByQueueProxy()
	case q.Activator != nil:
		return q.Activator.countedByActivator()
	case q.Revision != nil:
		return q.Revision.look()
	case q.Durations != nil:
		return durations(q.Durations)
	case q.Pods != nil:
		return samples(q.Pods)
	}
	panic("an empty question")
}

// bits tell floats apart that print the same.
func bits(values ...float64) []uint64 {
	all := make([]uint64, len(values))
	for i, value := range values {
		all[i] = math.Float64bits(value)
	}
	return all
}

func main() {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	buffered := bufio.NewWriter(os.Stdout)
	out := json.NewEncoder(buffered)
	for {
		var asked question
		if err := in.Decode(&asked); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(asked.answer()); err != nil {
			log.Fatal(err)
		}
	}
	if err := buffered.Flush(); err != nil {
		log.Fatal(err)
	}
}
