# The libraries are built apart, so that the image has no compiler and no cache.
FROM python:3.11-slim-trixie@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff AS libraries
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --no-deps --require-hashes -r requirements.txt

FROM python:3.11-slim-trixie@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff
# LibreOffice reads those old .doc files that the built-in reader refuses, and takes about 700 MB: --build-arg WITH_LIBREOFFICE=1
ARG WITH_LIBREOFFICE=""
RUN if [ -n "$WITH_LIBREOFFICE" ]; then \
      apt-get update && apt-get install --yes --no-install-recommends libreoffice-writer-nogui libreoffice-impress-nogui \
      && rm -rf /var/lib/apt/lists/*; \
    fi
RUN useradd --uid 10001 --no-create-home --home-dir /tmp oyl && install --directory --owner oyl --group oyl --mode 0700 /data \
    && useradd --uid 10002 --no-create-home --home-dir /tmp parser && install --directory --owner parser --group parser /parser
COPY --from=libraries /opt/venv /opt/venv
WORKDIR /app
COPY . .
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OYL_DATA_DIR=/data OYL_HOST=0.0.0.0 HOME=/tmp
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 CMD ["python", "deploy/healthcheck.py"]
CMD ["python", "-m", "oyl.web_server"]
