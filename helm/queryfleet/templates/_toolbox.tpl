{{- /* The pod to run commands in. */ -}}

{{- define "queryfleet.toolboxName" -}}
{{- include "queryfleet.object" (list . "toolbox") -}}
{{- end -}}

{{- /* (root, part). */ -}}
{{- define "queryfleet.toolboxContainer" -}}
- name: queryfleet
  args: [idle]
  {{- include "queryfleet.container" . | nindent 2 }}
  env:
    {{- include "queryfleet.environment" (append . (include "queryfleet.firstQueue" (index . 0))) | nindent 4 }}
  volumeMounts:
    {{- include "queryfleet.mounts" . | nindent 4 }}
    - {name: tmp, mountPath: /tmp}
{{- end -}}
