# Gatescope on a server of one's own: `docker compose up --build -d` (docs/hosting.md). Nothing is written at run time.
# The base is named by its digest, so that a build today and one next year start alike. To take in fixes of Debian and Python, put
# the "Digest" here that `docker buildx imagetools inspect python:3.11-slim-bookworm` prints.
ARG PYTHON=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${PYTHON} AS packages

# Every package by version and digest, ready-made: no package's own code runs while the image is built.
COPY requirements.lock /tmp/
RUN python -m venv --without-pip /venv \
 && pip --python /venv install --no-cache-dir --only-binary :all: --require-hashes -r /tmp/requirements.lock

# PyTorch's build, where somebody wants it: cpu, or for a machine with a GPU the CUDA version, such as cu130. The page needs
# none. uv knows where each build lies; these come by version, without digests.
ARG TORCH=
COPY requirements.txt /tmp/
COPY dashboard/requirements.txt /tmp/dashboard/
RUN if [ -n "$TORCH" ]; then pip install --no-cache-dir uv==0.13.9 \
 && uv pip install --python /venv --no-cache --compile-bytecode -r /tmp/requirements.txt --torch-backend "$TORCH"; fi


FROM ${PYTHON}

# /tmp is the only place that can be written to: what a training writes, and an upload of over 1 MB while it arrives.
# A server that stands still for a minute ends, and the container with it; compose.yaml has it started again.
ENV HOME=/tmp \
    PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_FILE_WATCHER_TYPE=none \
    GATESCOPE_STANDSTILL=60

WORKDIR /app
COPY --from=packages /venv /venv
COPY LICENSE ./
COPY .streamlit .streamlit
COPY assets assets
COPY lstm_core lstm_core
COPY lab lab
COPY dashboard dashboard

# What the browser loads is put in place and Python's files are compiled now: the running app can do neither.
RUN python -m dashboard.browser.publish && python -m compileall -q lstm_core lab dashboard

USER 10001:10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD python -c "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=4)" \
  "http://127.0.0.1:8501${STREAMLIT_SERVER_BASE_URL_PATH:+/$STREAMLIT_SERVER_BASE_URL_PATH}/_stcore/health"
CMD ["streamlit", "run", "dashboard/app.py"]
