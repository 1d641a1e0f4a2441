package main

import (
	"context"
	"time"
	_ "unsafe" // for go:linkname

	"go.opentelemetry.io/otel/metric/noop"
	netstats "knative.dev/networking/pkg/http/stats"
	"knative.dev/serving/pkg/activator/handler"
	"knative.dev/serving/pkg/autoscaler/metrics"
	servinginformers "knative.dev/serving/pkg/client/informers/externalversions/serving/v1"
	revisioninformer "knative.dev/serving/pkg/client/injection/informers/serving/v1/revision"
	servinglisters "knative.dev/serving/pkg/client/listers/serving/v1"
)

// requests come and go. Times are nanoseconds since the epoch.
type requests struct {
	Start  int64
	Events []event
}

// event is the arrival of a request, its end, or a report.
type event struct {
	At      int64
	Kind    string
	Proxied bool
}

func (e event) of() netstats.ReqEvent {
	in, out := netstats.ReqIn, netstats.ReqOut
	if e.Proxied {
		in, out = netstats.ProxiedIn, netstats.ProxiedOut
	}
	kind := in
	if e.Kind == "leave" {
		kind = out
	}
	return netstats.ReqEvent{Time: time.Unix(0, e.At), Type: kind, Key: key}
}

func (r *requests) countedByQueueProxy() [][]uint64 {
	stats := netstats.NewRequestStats(time.Unix(0, r.Start))
	reports := [][]uint64{}
	for _, e := range r.Events {
		if e.Kind != "report" {
			stats.HandleEvent(e.of())
			continue
		}
		report := stats.Report(time.Unix(0, e.At))
		reports = append(reports, bits(
			report.AverageConcurrency, report.AverageProxiedConcurrency,
			report.RequestCount, report.ProxiedRequestCount))
	}
	return reports
}

// counted is what the activator keeps for a revision.
type counted struct{}

//go:linkname handleRequestIn knative.dev/serving/pkg/activator/handler.(*ConcurrencyReporter).handleRequestIn
func handleRequestIn(*handler.ConcurrencyReporter, netstats.ReqEvent) *counted

//go:linkname handleRequestOut knative.dev/serving/pkg/activator/handler.(*ConcurrencyReporter).handleRequestOut
func handleRequestOut(*handler.ConcurrencyReporter, *counted, netstats.ReqEvent)

//go:linkname report knative.dev/serving/pkg/activator/handler.(*ConcurrencyReporter).report
func report(*handler.ConcurrencyReporter, time.Time) []metrics.StatMessage

// revisions are not looked up by what is asked here.
type revisions struct {
	servinginformers.RevisionInformer
}

func (revisions) Lister() servinglisters.RevisionLister { return nil }

// countedByActivator answers each arrival and each report with what is sent, maybe nothing.
func (r *requests) countedByActivator() [][]uint64 {
	sent := make(chan []metrics.StatMessage, 1)
	ctx := context.WithValue(context.Background(), revisioninformer.Key{}, revisions{})
	reporter := handler.NewConcurrencyReporter(ctx, "activator", sent, noop.NewMeterProvider())
	var known *counted
	reports := [][]uint64{}
	for _, e := range r.Events {
		switch e.Kind {
		case "arrive":
			known = handleRequestIn(reporter, e.of())
			select {
			case messages := <-sent:
				reports = append(reports, statistics(messages))
			default:
				reports = append(reports, nil)
			}
		case "leave":
			handleRequestOut(reporter, known, e.of())
		default:
			reports = append(reports, statistics(report(reporter, time.Unix(0, e.At))))
		}
	}
	return reports
}

func statistics(messages []metrics.StatMessage) []uint64 {
	if len(messages) == 0 {
		return nil
	}
	return bits(messages[0].Stat.AverageConcurrentRequests, messages[0].Stat.RequestCount)
}
