# Gatescope on a server of one's own: `docker compose up --build -d` (docs/hosting.md). Nothing is written at run time.
FROM python:3.11-slim-bookworm AS packages

# PyTorch's build, where somebody wants it: cpu, or for a machine with a GPU the CUDA version, such as cu130. The page needs
# none.
ARG TORCH=

COPY requirements.txt /tmp/
COPY dashboard/requirements.txt /tmp/dashboard/
# uv knows where each of PyTorch's builds lies.
RUN pip install --no-cache-dir uv==0.13.9 \
 && uv venv /venv \
 && uv pip install --python /venv --no-cache --compile-bytecode -r /tmp/dashboard/requirements.txt \
    ${TORCH:+-r /tmp/requirements.txt --torch-backend "$TORCH"}


FROM python:3.11-slim-bookworm

# /tmp is the only place that can be written to: what a training writes, and an upload of over 1 MB while it arrives.
# A server without a name asks another host for its own address when it starts; so it is given one.
ENV HOME=/tmp \
    PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_FILE_WATCHER_TYPE=none \
    STREAMLIT_BROWSER_SERVER_ADDRESS=localhost

WORKDIR /app
COPY --from=packages /venv /venv
COPY LICENSE ./
COPY .streamlit .streamlit
COPY assets assets
COPY lstm_core lstm_core
COPY dashboard dashboard

# What the browser loads is put in place and Python's files are compiled now: the running app can do neither.
RUN python -m dashboard.gateplot.publish && python -m compileall -q lstm_core dashboard

USER 10001:10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD python -c "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=4)" \
  "http://127.0.0.1:8501${STREAMLIT_SERVER_BASE_URL_PATH:+/$STREAMLIT_SERVER_BASE_URL_PATH}/_stcore/health"
CMD ["streamlit", "run", "dashboard/app.py"]
