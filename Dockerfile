# MkDocs with this plugin and the theme Material, from this checkout:
#
#   docker build --tag mkdocs-confluence-md .
#   docker run --rm --publish 8000:8000 --user "$(id -u):$(id -g)" \
#     --volume "$PWD:/docs" --volume confluence-md:/home/mkdocs mkdocs-confluence-md
#
# `build` and other commands of MkDocs follow the name of the image; `--entrypoint confluence-md` is
# the other command, of which `login --paste` signs in without a browser in the container.
#
# Tokens are kept in the home directory, and copies of pages in /docs/.cache, with the project. Where
# /docs cannot be written to, give them a volume: --volume confluence-md-cache:/docs/.cache
FROM python:3.13-slim

COPY pyproject.toml README.md LICENSE /src/
COPY mkdocs_confluence_md /src/mkdocs_confluence_md
RUN python -m pip install --no-cache-dir "/src[example,redis]"

# New volumes get the permissions of these directories, and `--user` may be anybody.
RUN useradd --uid 1000 --create-home mkdocs \
    && mkdir -p /docs/.cache \
    && chmod 1777 /home/mkdocs /docs /docs/.cache
# Not every user has an entry that says where home is.
ENV HOME=/home/mkdocs
VOLUME ["/home/mkdocs"]

USER mkdocs
WORKDIR /docs
EXPOSE 8000
ENTRYPOINT ["mkdocs"]
CMD ["serve", "--dev-addr", "0.0.0.0:8000"]
