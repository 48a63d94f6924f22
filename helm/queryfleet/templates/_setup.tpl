{{- /* What makes tables and queues, and sets the limit. */ -}}

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

{{- /* (root, part): a container for each queue. */ -}}
{{- define "queryfleet.limitContainers" -}}
{{- $part := . -}}
{{- $root := index . 0 -}}
{{- range $index, $queue := include "queryfleet.queues" $root | fromJsonArray }}
- name: queue-{{ $index }}
  args: {{ concat (list "limit" "--default" "--by" (printf "helm/%s" $root.Release.Name)) ($root.Values.limit.arguments | default list) | toJson }}
  {{- include "queryfleet.container" $part | nindent 2 }}
  env:
    {{- include "queryfleet.environment" (append $part $queue) | nindent 4 }}
  volumeMounts:
    {{- include "queryfleet.mounts" $part | nindent 4 }}
{{- end -}}
{{- end -}}
