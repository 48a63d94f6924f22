{{- /* What makes tables and queues, and sets the limit. */ -}}

{{- /* (root, part, arguments of queryfleet): a container for each queue. */ -}}
{{- define "queryfleet.setupContainers" -}}
{{- $part := list (index . 0) (index . 1) -}}
{{- $args := index . 2 -}}
{{- range $index, $queue := include "queryfleet.queues" (index . 0) | fromJsonArray }}
- name: queue-{{ $index }}
  args: {{ $args | toJson }}
  {{- include "queryfleet.container" $part | nindent 2 }}
  env:
    {{- include "queryfleet.environment" (append $part $queue) | nindent 4 }}
  volumeMounts:
    {{- include "queryfleet.mounts" $part | nindent 4 }}
{{- end -}}
{{- end -}}
