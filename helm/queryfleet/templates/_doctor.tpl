{{- /* What checks servers, rights and settings. */ -}}

{{- /* (root, part, queue). */ -}}
{{- define "queryfleet.doctorContainer" -}}
- name: doctor
  args: [doctor{{ with (index . 1).for }}, --for, {{ . }}{{ end }}]
  {{- include "queryfleet.container" . | nindent 2 }}
  env:
    {{- include "queryfleet.environment" . | nindent 4 }}
  volumeMounts:
    {{- include "queryfleet.mounts" . | nindent 4 }}
{{- end -}}
