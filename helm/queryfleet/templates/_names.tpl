{{- /* Names and labels. */ -}}

{{- define "queryfleet.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* (root, suffix): the suffix is never cut, or two objects could get one name. CronJobs have 52 characters, and
       values.schema.json keeps suffixes below 46. */ -}}
{{- define "queryfleet.object" -}}
{{- $suffix := index . 1 -}}
{{- $room := sub 51 (len $suffix) | int -}}
{{- printf "%s-%s" (include "queryfleet.fullname" (index . 0) | trunc $room | trimSuffix "-") $suffix -}}
{{- end -}}

{{- /* (root, name of a pool). */ -}}
{{- define "queryfleet.poolName" -}}
{{- $suffix := empty (index . 1) | ternary "worker" (printf "worker-%s" (index . 1)) -}}
{{- include "queryfleet.object" (list (index . 0) $suffix) -}}
{{- end -}}

{{- /* What makes pods of this release known: of a release's pods, of one part of them. */ -}}
{{- define "queryfleet.releaseSelector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- /* (root, name of a pool). */ -}}
{{- define "queryfleet.poolSelector" -}}
{{ include "queryfleet.releaseSelector" (index . 0) }}
app.kubernetes.io/component: worker
queryfleet.internal/pool: {{ index . 1 | default "worker" | quote }}
{{- end -}}

{{- /* (root, component, more of them): each key once, or what reads the YAML strictly refuses it. */ -}}
{{- define "queryfleet.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{ include "queryfleet.releaseSelector" $root }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/component: {{ index . 1 }}
{{- with merge (dict) (index . 2 | default dict) $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* (root, name, component, labels, annotations): the metadata of an object, with labels and annotations of its own. */ -}}
{{- define "queryfleet.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 | quote }}
labels:
  {{- include "queryfleet.labels" (list $root (index . 2) (index . 3)) | nindent 2 }}
{{- with merge (dict) (index . 4 | default dict) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "queryfleet.image" -}}
{{- with .Values.image -}}
{{- with $.Values.global.imageRegistry | default .registry -}}
{{ trimSuffix "/" . }}/
{{- end -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "queryfleet.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- include "queryfleet.fullname" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}
