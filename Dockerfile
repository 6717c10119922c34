# One image for every process: web, worker, beat, and the commands of manage.py.
FROM python:3.11-slim AS packages
WORKDIR /build
COPY requirements/prod.txt .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r prod.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    BIND=0.0.0.0:8000 ACCESS_LOG=-
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin app
COPY --from=packages /venv /venv
WORKDIR /app
COPY . .
# Settings have no defaults for secrets, so this step gets some that are thrown away.
RUN SECRET_KEY=build CREDENTIALS_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
    DATABASE_URL=postgres://build@127.0.0.1:1/build REDIS_URL=redis://127.0.0.1:1/0 \
    python manage.py collectstatic --noinput
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-m", "inventory_sync.config.probe"]
CMD ["gunicorn", "inventory_sync.config.wsgi"]
