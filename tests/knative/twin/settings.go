package main

import (
	"log"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/autoscaler/config"
	"knative.dev/serving/pkg/autoscaler/config/autoscalerconfig"
)

const (
	namespace = "default"
	name      = "revision"
)

// settings are what a cluster and a revision say, in their own words.
type settings struct {
	Cluster              map[string]string
	Annotations          map[string]string
	ContainerConcurrency int64
	Reachable            bool
}

func (s settings) config() *autoscalerconfig.Config {
	parsed, err := config.NewConfigFromMap(s.Cluster)
	if err != nil {
		log.Fatal(err)
	}
	return parsed
}

func (s settings) podAutoscaler() *v1alpha1.PodAutoscaler {
	reachability := v1alpha1.ReachabilityReachable
	if !s.Reachable {
		reachability = v1alpha1.ReachabilityUnreachable
	}
	return &v1alpha1.PodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   namespace,
			Name:        name,
			Annotations: s.Annotations,
		},
		Spec: v1alpha1.PodAutoscalerSpec{
			ContainerConcurrency: s.ContainerConcurrency,
			Reachability:         reachability,
		},
	}
}
