"""KServe, Knative and KEDA as a warm pool sees and changes them."""
