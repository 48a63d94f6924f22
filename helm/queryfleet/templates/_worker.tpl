{{- /* The container of a worker. */ -}}

{{- /* (root, pool). */ -}}
{{- define "queryfleet.workerContainer" -}}
{{- $metrics := (index . 0).Values.metrics -}}
{{- $pool := index . 1 -}}
- name: queryfleet
  args: [work]
  {{- include "queryfleet.container" . | nindent 2 }}
  env:
    {{- include "queryfleet.environment" (append . $pool.queue) | nindent 4 }}
    - {name: QUERYFLEET_SLOTS, value: {{ $pool.slots | quote }}}
    - {name: QUERYFLEET_METRICS_LISTEN, value: {{ printf "%s:%d" $metrics.host (int $metrics.port) | quote }}}
  ports:
    - {name: metrics, containerPort: {{ $metrics.port }}}
  {{- with $pool.startupProbe }}
  startupProbe:
    httpGet: {path: /livez, port: metrics}
    {{- toYaml . | nindent 4 }}
  {{- end }}
  livenessProbe:
    httpGet: {path: /livez, port: metrics}
    {{- toYaml $pool.livenessProbe | nindent 4 }}
  readinessProbe:
    httpGet: {path: /readyz, port: metrics}
    {{- toYaml $pool.readinessProbe | nindent 4 }}
  volumeMounts:
    {{- include "queryfleet.mounts" . | nindent 4 }}
    # For `kubectl exec -i … -- queryfleet publish -`, which keeps its standard input in a file.
    - {name: tmp, mountPath: /tmp}
{{- end -}}
