package main

import (
	"context"
	"log"
	"net/http"
	"time"
	_ "unsafe" // for go:linkname

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	netv1alpha1 "knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/pkg/apis"
	"knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/deployment"
	asconfig "knative.dev/serving/pkg/reconciler/autoscaling/config"
	_ "knative.dev/serving/pkg/reconciler/autoscaling/kpa" // for go:linkname
)

// revision is one look of the controller. Ages are seconds.
type revision struct {
	Settings         settings
	Activity         string
	Reason           string
	AgeS             float64
	Initialized      bool
	Desired          int32
	Ready            int
	Replicas         int32
	Proxy            bool
	ProxyAgeS        *float64
	ActivatorAnswers bool
}

// wanted is its outcome.
type wanted struct {
	Pods        int32
	Replicas    int32
	AgainInS    []float64
	Activity    string
	Reason      string
	Changed     bool
	Initialized bool
}

// scaler has the layout of Knative's own, whose name is not exported.
type scaler struct {
	listerFactory  func(schema.GroupVersionResource) (cache.GenericLister, error)
	dynamicClient  dynamic.Interface
	transport      http.RoundTripper
	activatorProbe func(*v1alpha1.PodAutoscaler, http.RoundTripper) (bool, error)
	probeManager   prober
	enqueueCB      func(interface{}, time.Duration)
}

type prober interface {
	Offer(context.Context, string, interface{}, time.Duration, time.Duration, ...interface{}) bool
}

// podCounts has the layout of Knative's own, too.
type podCounts struct{ want, ready, notReady, pending, terminating int }

//go:linkname scale knative.dev/serving/pkg/reconciler/autoscaling/kpa.(*scaler).scale
func scale(*scaler, context.Context, *v1alpha1.PodAutoscaler, *netv1alpha1.ServerlessService, int32) (int32, error)

//go:linkname computeActiveCondition knative.dev/serving/pkg/reconciler/autoscaling/kpa.computeActiveCondition
func computeActiveCondition(context.Context, *v1alpha1.PodAutoscaler, podCounts)

// deployed is the Deployment, and whoever reads or writes it.
type deployed struct {
	replicas int32
	written  bool
}

func (d *deployed) Get(string) (runtime.Object, error) {
	return &v1alpha1.PodScalable{Spec: v1alpha1.PodScalableSpec{Replicas: &d.replicas}}, nil
}
func (d *deployed) List(labels.Selector) ([]runtime.Object, error)  { return nil, nil }
func (d *deployed) ByNamespace(string) cache.GenericNamespaceLister { return d }

// writer is the side of it that is written to.
type writer struct{ to *deployed }

func (w writer) Resource(schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return patcher{to: w.to}
}

type patcher struct {
	dynamic.NamespaceableResourceInterface
	to *deployed
}

func (p patcher) Namespace(string) dynamic.ResourceInterface { return p }
func (p patcher) Patch(
	context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string,
) (*unstructured.Unstructured, error) {
	p.to.written = true
	return nil, nil
}

// patient offers no probe.
type patient struct{}

func (patient) Offer(context.Context, string, interface{}, time.Duration, time.Duration, ...interface{}) bool {
	return true
}

func ago(seconds float64) apis.VolatileTime {
	age := time.Duration(seconds * float64(time.Second))
	return apis.VolatileTime{Inner: metav1.NewTime(time.Now().Add(-age))}
}

func (r *revision) look() wanted {
	ctx := asconfig.ToContext(context.Background(), &asconfig.Config{
		Autoscaler: r.Settings.config(),
		Deployment: &deployment.Config{ProgressDeadline: deployment.ProgressDeadlineDefault},
	})
	pa := r.podAutoscaler()
	outcome, target := wanted{Replicas: r.Replicas}, &deployed{replicas: r.Replicas}
	controller := &scaler{
		listerFactory:  func(schema.GroupVersionResource) (cache.GenericLister, error) { return target, nil },
		dynamicClient:  writer{to: target},
		activatorProbe: func(*v1alpha1.PodAutoscaler, http.RoundTripper) (bool, error) { return r.ActivatorAnswers, nil },
		probeManager:   patient{},
		enqueueCB: func(_ interface{}, after time.Duration) {
			outcome.AgainInS = append(outcome.AgainInS, after.Seconds())
		},
	}
	pods, err := scale(controller, ctx, pa, r.serverlessService(), r.Desired)
	if err != nil {
		log.Fatal(err)
	}
	outcome.Pods = pods
	if target.written {
		outcome.Replicas = pods
	}
	before := active(pa).LastTransitionTime
	computeActiveCondition(ctx, pa, podCounts{want: int(pods), ready: r.Ready})
	after := active(pa)
	outcome.Activity, outcome.Reason = string(after.Status), after.Reason
	outcome.Changed = after.LastTransitionTime != before
	outcome.Initialized = pa.Status.IsScaleTargetInitialized()
	return outcome
}

func active(pa *v1alpha1.PodAutoscaler) *apis.Condition {
	return pa.Status.GetCondition(v1alpha1.PodAutoscalerConditionActive)
}

func (r *revision) podAutoscaler() *v1alpha1.PodAutoscaler {
	pa := r.Settings.podAutoscaler()
	pa.Spec.ScaleTargetRef = corev1.ObjectReference{
		APIVersion: "apps/v1", Kind: "Deployment", Name: name,
	}
	pa.Status.ServiceName = name
	pa.Status.InitializeConditions()
	if r.Initialized {
		pa.Status.MarkScaleTargetInitialized()
	}
	switch r.Activity {
	case "Active":
		pa.Status.MarkActive()
	case "Inactive":
		pa.Status.MarkInactive(r.Reason, messages[r.Reason])
	default:
		pa.Status.MarkActivating(r.Reason, messages[r.Reason])
	}
	for i := range pa.Status.Conditions {
		pa.Status.Conditions[i].LastTransitionTime = ago(r.AgeS)
	}
	return pa
}

// messages belong to the reasons.
var messages = map[string]string{
	"NoTraffic": "The target is not receiving traffic.",
	"TimedOut":  "The target could not be activated.",
	"Queued":    "Requests to the target are being buffered as resources are provisioned.",
}

func (r *revision) serverlessService() *netv1alpha1.ServerlessService {
	sks := &netv1alpha1.ServerlessService{}
	sks.Spec.Mode = netv1alpha1.SKSOperationModeServe
	if r.Proxy {
		sks.Spec.Mode = netv1alpha1.SKSOperationModeProxy
	}
	sks.Status.InitializeConditions()
	if r.ProxyAgeS != nil {
		sks.Status.MarkActivatorEndpointsPopulated()
		for i := range sks.Status.Conditions {
			sks.Status.Conditions[i].LastTransitionTime = ago(*r.ProxyAgeS)
		}
	}
	return sks
}
