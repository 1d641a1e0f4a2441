package main

import (
	"context"
	"log"
	"reflect"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
	"knative.dev/serving/pkg/reconciler/autoscaling/kpa/resources"
	aresources "knative.dev/serving/pkg/reconciler/autoscaling/resources"
)

var (
	key    = types.NamespacedName{Namespace: namespace, Name: name}
	logger = zap.NewNop().Sugar()
)

// history is one life of an autoscaler. Times are nanoseconds since the epoch.
type history struct {
	Settings settings
	Start    int64
	Ready    int
	Steps    []step
}

// step records a statistic, looks, or changes settings.
type step struct {
	At     int64
	Stat   []float64
	Ready  *int
	Update *settings
}

// life is what comes of it.
type life struct {
	Target      []uint64
	PanicWindow int64
	Excess      int32
	Looks       []look
}

// look is the outcome of one step.
type look struct {
	Desired   int32
	Excess    int32
	Valid     bool
	Panicking bool
	Averages  []uint64
}

// pods are counted as the history says.
type pods struct{ ready int }

func (p *pods) ReadyCount() (int, error)    { return p.ready, nil }
func (p *pods) NotReadyCount() (int, error) { return 0, nil }

// silent pods leave all statistics to the history.
type silent struct{}

func (silent) Scrape(time.Duration) (metrics.Stat, error) { return metrics.Stat{}, nil }

func newCollector() *metrics.MetricCollector {
	return metrics.NewMetricCollector(
		func(*v1alpha1.Metric, *zap.SugaredLogger) (metrics.StatsScraper, error) {
			return silent{}, nil
		}, logger)
}

func (h *history) play() life {
	collector, counted := newCollector(), &pods{ready: h.Ready}
	decider := collect(collector, h.Settings)
	defer collector.Delete(namespace, name)
	scaler := scaling.New(
		*attribute.EmptySet(), noop.NewMeterProvider(), namespace, name, collector, counted,
		&decider.Spec)
	panicSince := panicTime(scaler)
	if !panicSince.IsZero() {
		*panicSince = time.Unix(0, h.Start)
	}
	lived := life{
		Target:      bits(decider.Spec.TargetValue, decider.Spec.TotalValue),
		PanicWindow: int64(metricOf(h.Settings).Spec.PanicWindow),
		Excess:      initialExcess(decider),
	}
	for _, step := range h.Steps {
		at := time.Unix(0, step.At)
		switch {
		case step.Update != nil:
			scaler.Update(&collect(collector, *step.Update).Spec)
		case step.Ready != nil:
			counted.ready = *step.Ready
			result := scaler.Scale(logger, at)
			lived.Looks = append(lived.Looks, look{
				result.DesiredPodCount, result.ExcessBurstCapacity, result.ScaleValid,
				!panicSince.IsZero(), averages(collector, decider.Spec.ScalingMetric, at),
			})
		default:
			collector.Record(key, at, metrics.Stat{
				AverageConcurrentRequests:        step.Stat[0],
				AverageProxiedConcurrentRequests: step.Stat[1],
				RequestCount:                     step.Stat[2],
				ProxiedRequestCount:              step.Stat[3],
			})
		}
	}
	return lived
}

// collect begins or goes on collecting as the settings say.
func collect(collector *metrics.MetricCollector, from settings) *scaling.Decider {
	if err := collector.CreateOrUpdate(metricOf(from)); err != nil {
		log.Fatal(err)
	}
	return resources.MakeDecider(from.podAutoscaler(), from.config())
}

func metricOf(from settings) *v1alpha1.Metric {
	pa, target := from.podAutoscaler(), "private"
	if resources.MakeDecider(pa, from.config()).Spec.TargetBurstCapacity == -1 {
		target = ""
	}
	return aresources.MakeMetric(pa, target, from.config())
}

func averages(collector *metrics.MetricCollector, of string, at time.Time) []uint64 {
	ask := collector.StableAndPanicConcurrency
	if of == "rps" {
		ask = collector.StableAndPanicRPS
	}
	stable, panicked, err := ask(key, at)
	if err != nil {
		return nil
	}
	return bits(stable, panicked)
}

// panicTime is where the autoscaler keeps the begin of its panic: its constructor reads the clock
// for it, and nothing but a gauge tells of it.
func panicTime(scaler scaling.UniScaler) *time.Time {
	field := reflect.ValueOf(scaler).Elem().FieldByName("panicTime")
	return (*time.Time)(unsafe.Pointer(field.UnsafeAddr()))
}

// initialExcess is the burst capacity that is assumed before the first look.
func initialExcess(decider *scaling.Decider) int32 {
	stop := make(chan struct{})
	defer close(stop)
	idle := func(*scaling.Decider) (scaling.UniScaler, error) { return nil, nil }
	many := scaling.NewMultiScaler(stop, idle, logger)
	created, err := many.Create(context.Background(), decider)
	if err != nil {
		log.Fatal(err)
	}
	return created.Status.ExcessBurstCapacity
}
