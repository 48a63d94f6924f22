{{- /* What makes tables and queues. */ -}}

{{- /* (root, part): a container for each queue. */ -}}
{{- define "queryfleet.setupContainers" -}}
{{- $part := . -}}
{{- range $index, $queue := include "queryfleet.queues" (index . 0) | fromJsonArray }}
- name: queue-{{ $index }}
  args: [setup]
  {{- include "queryfleet.container" $part | nindent 2 }}
  env:
    {{- include "queryfleet.environment" (append $part $queue) | nindent 4 }}
  volumeMounts:
    {{- include "queryfleet.mounts" $part | nindent 4 }}
{{- end -}}
{{- end -}}
