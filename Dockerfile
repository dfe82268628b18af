FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN bin/install-image /opt/helpdesk

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home --home-dir /var/lib/helpdesk --shell /usr/sbin/nologin helpdesk
COPY --from=build /opt/helpdesk /opt/helpdesk
COPY LICENSE /opt/helpdesk/LICENSE
# Only the data folder and /tmp are written to, so that the rest may be mounted read-only.
ENV PATH=/opt/helpdesk/bin:$PATH \
    HELPDESK_HOME=/var/lib/helpdesk \
    HELPDESK_HOST=0.0.0.0 \
    HF_HOME=/var/lib/helpdesk/hub \
    XDG_CACHE_HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER helpdesk
WORKDIR /var/lib/helpdesk
VOLUME /var/lib/helpdesk
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=60s --interval=15s --timeout=5s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('HELPDESK_PORT', '8000') + '/health/live', timeout=4)"]
ENTRYPOINT ["helpdesk"]
CMD ["serve"]
