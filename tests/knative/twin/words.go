package main

import (
	"time"
	_ "unsafe" // for go:linkname

	_ "knative.dev/serving/pkg/autoscaler/metrics" // for go:linkname
)

//go:linkname populationMeanSampleSize knative.dev/serving/pkg/autoscaler/metrics.populationMeanSampleSize
func populationMeanSampleSize(float64) float64

// durations are answered in nanoseconds; what Go refuses is null.
func durations(words []string) []*int64 {
	read := make([]*int64, len(words))
	for i, word := range words {
		if duration, err := time.ParseDuration(word); err == nil {
			length := duration.Nanoseconds()
			read[i] = &length
		}
	}
	return read
}

// samples are answered for each number of pods.
func samples(pods []int) []int {
	sizes := make([]int, len(pods))
	for i, count := range pods {
		sizes[i] = int(populationMeanSampleSize(float64(count)))
	}
	return sizes
}
