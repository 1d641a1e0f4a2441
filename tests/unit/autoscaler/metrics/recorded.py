"""Expositions as real servers give them, cut to what matters and some that does not."""

PREDICTOR = """\
# HELP pilotlight_predictor_in_flight_requests Requests from acceptance to the last byte.
# TYPE pilotlight_predictor_in_flight_requests gauge
pilotlight_predictor_in_flight_requests 6.0
# TYPE pilotlight_predictor_queue_requests gauge
pilotlight_predictor_queue_requests{class="interactive"} 3.0
pilotlight_predictor_queue_requests{class="batch"} 1.0
# TYPE pilotlight_predictor_kv_cache_usage_ratio gauge
pilotlight_predictor_kv_cache_usage_ratio 0.75
# TYPE pilotlight_predictor_start_phase_seconds gauge
pilotlight_predictor_start_phase_seconds{phase="engine"} 17.5
pilotlight_predictor_start_phase_seconds{phase="total"} 21.5
# TYPE pilotlight_predictor_gpu_utilisation_ratio gauge
pilotlight_predictor_gpu_utilisation_ratio{gpu="0"} 0.9
pilotlight_predictor_gpu_utilisation_ratio{gpu="1"} 0.7
# TYPE pilotlight_predictor_request_arrivals_total counter
pilotlight_predictor_request_arrivals_total{prompt_tokens="256",revision="r-00001"} 40.0
pilotlight_predictor_request_arrivals_total{prompt_tokens="+Inf",revision="r-00001"} 2.0
# TYPE pilotlight_predictor_counting_since_seconds gauge
pilotlight_predictor_counting_since_seconds{revision="chat-predictor-00001"} 1.7e+09
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="smol"} 2.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="smol"} 9.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="smol"} 0.1
"""

VLLM = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 4.0
vllm:num_requests_running{engine="1",model_name="m"} 1.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting{engine="1",model_name="m"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.7
# TYPE vllm:request_success counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 10.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 5.0
"""

QUEUE_PROXY = """\
# TYPE kn_serving_invocation_duration_seconds histogram
kn_serving_invocation_duration_seconds_bucket{http_response_status_code="200",le="+Inf"} 7
kn_serving_invocation_duration_seconds_sum{http_response_status_code="200"} 1.5
kn_serving_invocation_duration_seconds_count{http_response_status_code="200"} 7
kn_serving_invocation_duration_seconds_count{http_response_status_code="503"} 2
"""

_OF = (
    'k8s_namespace_name="team",kn_configuration_name="chat-predictor",'
    'kn_revision_name="chat-predictor-00001",kn_service_name="chat-predictor"'
)
ACTIVATOR = f"""\
# TYPE kn_revision_request_concurrency gauge
kn_revision_request_concurrency{{{_OF}}} 3
kn_revision_request_concurrency{{{_OF.replace("team", "other")}}} 50
"""
AUTOSCALER = f"""\
# TYPE kn_revision_concurrency_panic gauge
kn_revision_concurrency_panic{{{_OF}}} 4.5
# TYPE kn_revision_concurrency_stable gauge
kn_revision_concurrency_stable{{{_OF}}} 1.25
# TYPE kn_revision_pods_count gauge
kn_revision_pods_count{{{_OF}}} 0
"""
