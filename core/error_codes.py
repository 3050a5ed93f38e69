"""The error codes of failed work: each with the sentence that users read, and the policy by which the work is retried.

The table is the only place that lists codes; docs/pipeline.md and tests are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from core.error_origins import Origin
from core.retry_policies import CHAT_RETRY, DEFAULT_RETRY, RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    """`sentence` may have placeholders in braces. `retry` is None where a retry cannot help."""

    origin: Origin
    sentence: str
    retry: RetryPolicy | None = None


def _code(origin: Origin, sentence: str, retry: RetryPolicy | None = None) -> ErrorCode:
    return ErrorCode(origin=origin, sentence=sentence, retry=retry)


_file = partial(_code, Origin.FILE)
_work = partial(_code, Origin.WORK)
_service = partial(_code, Origin.SERVICE)
_address = partial(_code, Origin.ADDRESS)
_upload = partial(_code, Origin.UPLOAD)
_connector = partial(_code, Origin.CONNECTOR)
_chat = partial(_code, Origin.CHAT)
_workflow = partial(_code, Origin.WORKFLOW)
_webhook = partial(_code, Origin.WEBHOOK)
_table = partial(_code, Origin.TABLE)


ERROR_CODES: dict[str, ErrorCode] = {
    # The file
    "empty_file": _file("The file is empty. Upload it again."),
    "unsupported_type": _file('Files of type "{type}" cannot be read. Supported are: {supported}.'),
    "password_protected": _file("The file is encrypted. Save a copy without a password and upload that."),
    "corrupt_file": _file("The file is damaged or is no valid {type}. Save it anew and upload it again."),
    "too_deep": _file(
        "The file's parts are nested more deeply than can be read. Save it in a simpler form and upload that."
    ),
    "too_many_pages": _file("The file has {pages} pages; at most {limit} are read. Split it."),
    "no_picture": _file("This page of the file cannot be shown as a picture."),
    "no_text": _file("The file can be opened, but no text was found in it."),
    "needs_libreoffice": _file(
        "Old {type} files are read through LibreOffice, which is not installed. Install it, so that `soffice` is on "
        "the PATH, or save the file in a newer format."
    ),
    "ocr_too_long": _file(
        "The file has {pages} scanned pages; at most {limit} are recognised. Split it, or raise PARSER_OCR_PAGES."
    ),
    "image_too_large": _file(
        "The image has {pixels} million pixels; at most {limit} million are read. Scale it down."
    ),
    "archive_too_large": _file("The archive {fact}. Split it, or upload its files one by one."),
    "unpacks_too_large": _file(
        "The file unpacks to {size} MB, more than the {limit} MB allowed. Split it, or raise PARSER_OUTPUT_MB."
    ),
    "output_too_large": _file(
        "The file holds more than {limit} MB of text. Split it, or raise PARSER_TEXT_MB."
    ),
    "too_many_elements": _file(
        "The file has {elements:,} paragraphs, list items and tables; at most {limit:,} are read. Split it."
    ),
    "nested_too_deep": _file(
        "Archives or mails are nested more than {limit} deep. Unpack the inner ones and upload their files."
    ),
    "nested_too_large": _file(
        "With all that is inside it, the archive has more than {files:,} files or unpacks to more than "
        "PARSER_OUTPUT_MB. Split it, or upload its files one by one."
    ),
    "parse_timeout": _file(
        "Reading the file took longer than {seconds} s. Split it, or raise PARSER_SECONDS."
    ),
    "parse_memory": _file(
        "Reading the file needed more than {megabytes} MB of memory. Split it, or raise PARSER_MEMORY_MB."
    ),
    "parse_crash": _file("The file crashed its reader. Save it in another format and upload that."),
    # The work
    "file_missing": _work("The stored file is gone. Upload it again."),
    "parse_interrupted": _work("Reading the file was interrupted from outside. Retry.", DEFAULT_RETRY),
    "disk_full": _work("There was no room left on the disk while reading the file.", DEFAULT_RETRY),
    "parser_unavailable": _work(
        "The parser process could not be started. The worker's log says why.", DEFAULT_RETRY
    ),
    "worker_died": _work(
        "This work ended abruptly {attempts} times. A file may be too large or malformed: replace it. Otherwise retry.",
        DEFAULT_RETRY,
    ),
    "internal_error": _work(
        "Something in OYL failed while processing this file. Retry; if it fails again, see the worker's log.",
        DEFAULT_RETRY,
    ),
    "quota_exceeded": _work(
        "A quota of the organisation, the workspace, the API key or the member is used up. Delete what is not needed, wait "
        "for the next day if it is a quota of a day, or ask an operator for more. Then retry."
    ),
    # The services
    "embedding_unavailable": _service(
        "The embedding endpoint does not answer, is busy or limits its use. Retry when it answers.",
        DEFAULT_RETRY,
    ),
    "embedding_refused": _service(
        "The embedding endpoint answered, and declined: a wrong key, an unknown model, or no OpenAI-compatible "
        "endpoint. Correct the EMBEDDING settings."
    ),
    "embedding_not_configured": _service(
        "The embedding model '{model}' is not configured. Configured are: {models}. Choose another one for the "
        "reference, or configure it again."
    ),
    "embedding_dimensions": _service(
        "The endpoint's vectors are not as long as they were. Correct EMBEDDING_DIMENSIONS or EMBEDDING_MODEL."
    ),
    "reranking_unavailable": _service(
        "The reranking endpoint does not answer, is busy or limits its use. Retry when it answers.",
        DEFAULT_RETRY,
    ),
    "reranking_refused": _service(
        "The reranking endpoint answered, and declined: a wrong key, an unknown model, or not the form of TEI, Jina or "
        "Cohere. Correct the RERANK settings."
    ),
    "vector_store_unavailable": _service(
        "The vector store does not answer. `manage.py doctor` says more.", DEFAULT_RETRY
    ),
    "vector_store_failed": _service(
        "The vector store answered with an error of its own. See its log.", DEFAULT_RETRY
    ),
    "vector_store_rejected": _service(
        "The vector store refused a request: an API key that does not fit, a version that is too old, or a defect."
    ),
    "vector_store_damaged": _service(
        "A collection's files cannot be opened. Restore its folder below `vectors` in the data folder from a backup; or "
        "move it away, restart, and run `manage.py reconcile --repair`."
    ),
    "invalid_collection": _service(
        "The embedding model's name makes no name of a collection. Choose another name for it."
    ),
    "invalid_filter": _service("A metadata filter of a search is not valid. See the detail."),
    "invalid_metadata": _service("A metadata value is neither a scalar nor a list of them. See the detail."),
    "invalid_query": _service("A search lacks the query's vector: a defect."),
    "invalid_vector": _service(
        "A vector is not made of finite numbers, or its length differs. The embedding endpoint is at fault."
    ),
    # Addresses that tenants give
    "invalid_outbound_url": _address(
        "This is not an address that can be called. Give a full one that begins with https:// or http://, without a user "
        "name or password in it."
    ),
    "invalid_outbound_address": _address(
        "'{host}' cannot be called: it does not exist, or is not public. An operator can allow internal addresses "
        "(OUTBOUND_ALLOW)."
    ),
    "invalid_outbound_header": _address(
        "The header '{name}' is set by OYL itself, or is not a valid one. Take it away or correct it."
    ),
    "outbound_redirect": _address("'{host}' redirects {reason}. Give the address that it leads to."),
    "outbound_encoding": _address("'{host}' answers in an encoding that is not asked for, or a damaged one."),
    "outbound_too_large": _address("'{host}' answers with more than {limit} MB."),
    "outbound_timeout": _address("'{host}' takes too long to answer.", DEFAULT_RETRY),
    "outbound_unavailable": _address(
        "'{host}' cannot be reached, or does not answer as HTTP or its certificate demand.", DEFAULT_RETRY
    ),
    "outbound_no_connection": _address(
        "'{host}' does not take the connection. Check the name and the port, and that it runs.", DEFAULT_RETRY
    ),
    # Integrations and connectors
    "integration_not_configured": _connector(
        "The integration is not complete: {reason}. Open it under Integrations, and correct it."
    ),
    "integration_denied": _connector(
        "'{host}' does not accept the user name, the password or the key. Enter valid ones in the integration."
    ),
    "integration_not_found": _connector("'{host}' has no {what}. Correct the name in the integration."),
    "integration_refused": _connector(
        "'{host}' does not do what was asked: {reason}. Check the address and the names in the integration."
    ),
    "integration_unavailable": _connector(
        "'{host}' does not answer as it should: {reason}. Try again later.", DEFAULT_RETRY
    ),
    "integration_host_key": _connector(
        "'{host}' shows the host key {fingerprint}, and the integration does not have it. Compare it with the one that the "
        "server's operator names, and enter it as the host key only if they are the same."
    ),
    "connector_folder": _connector(
        "'{folder}' is no folder of the server that the operator has allowed (CONNECTOR_FOLDERS). Choose another one."
    ),
    "connector_item_too_large": _connector("It has more than {limit} MB. Divide it, or leave it out."),
    "connector_page_refused": _connector(
        "The page {url} answers with {status}. Correct it, or leave it out."
    ),
    "connector_page_unavailable": _connector(
        "The page {url} answers with the status {status}. The site has a problem; the next run tries again.",
        DEFAULT_RETRY,
    ),
    "connector_item_invalid": _connector("It cannot be kept as a document. See the detail."),
    "connector_no_feed": _connector(
        "What is at {url} is no feed of RSS or Atom. Give the feed's own address."
    ),
    "connector_not_complete": _connector("The connector is not complete: {reason}. Open it, and correct it."),
    # Chat models
    "chat_not_configured": _chat(
        "The chat model is not there any more, or its integration is not complete: {reason}. Choose another model in the "
        "assistant's settings, or correct the integration."
    ),
    "chat_no_model_file": _chat(
        "The model file is not running. Start OYL with it (OYL_CHAT_MODEL_FILE=model.gguf make up), or choose another model "
        "in the assistant's settings."
    ),
    "chat_wrong_key": _chat(
        "'{host}' does not accept the API key, or the key may not use '{model}'. Enter a valid key in the integration."
    ),
    "chat_no_quota": _chat(
        "The account at '{host}' has no quota or credit left. Raise it there, or choose another model."
    ),
    "chat_unknown_model": _chat(
        "'{host}' has no model '{model}', or no /chat/completions at this URL. Choose one of the models that it lists, and "
        "check the URL in the integration."
    ),
    "chat_context_too_long": _chat(
        "The question, its passages and the conversation are longer than '{model}' can read. Ask in a new conversation, "
        "give the assistant fewer passages, or correct `context_tokens` in the integration."
    ),
    "chat_filtered": _chat(
        "The content filter of '{host}' refused the question or the answer. Ask in other words, or choose another model."
    ),
    "chat_refused": _chat(
        "'{host}' refuses the request: {message}. Correct the assistant's model settings or the integration."
    ),
    "chat_rate_limited": _chat(
        "'{host}' limits the requests in a time, and the limit is reached. Ask again in a minute, or raise the limit there.",
        CHAT_RETRY,
    ),
    "chat_unavailable": _chat("'{host}' does not answer now: {message}. Ask again later.", CHAT_RETRY),
    "chat_paused": _chat(
        "'{host}' has failed several times in a row, and is not called for {seconds} more seconds. Ask again then."
    ),
    "chat_no_first_piece": _chat(
        "'{host}' did not begin to answer within {seconds} s. Ask again, choose a faster model, or raise `first_seconds` in "
        "the integration."
    ),
    "chat_stalled": _chat(
        "'{host}' stopped in the middle of its answer for {seconds} s. Ask again, or raise `between_seconds` in the "
        "integration."
    ),
    "chat_too_slow": _chat(
        "The answer of '{host}' was not complete after {seconds} s. Limit its length, or raise `total_seconds` in the "
        "integration."
    ),
    "chat_interrupted": _chat("The connection to '{host}' broke before the end of the answer. Ask again."),
    "chat_malformed": _chat(
        "'{host}' does not answer as an OpenAI-compatible endpoint does. Check the URL in the integration, which mostly "
        "ends in /v1."
    ),
    "chat_empty": _chat(
        "'{host}' returned no text. Ask again, raise `max_tokens` in the assistant's settings if it reasons before it "
        "answers, or choose another model."
    ),
    # Workflows
    "expression_invalid": _workflow(
        "An expression cannot be evaluated: {reason}. Correct it and publish the workflow."
    ),
    "expression_failed": _workflow("The expression '{source}' has no value: {reason}."),
    "expression_too_slow": _workflow(
        "An expression took more than {milliseconds} ms. Let it work on fewer values, or divide it among several steps."
    ),
    "expression_too_large": _workflow(
        "An expression has, or works on, more than {limit:,} characters of JSON. Let it use a part of the values."
    ),
    "expression_memory": _workflow(
        "An expression needed more than {megabytes} MB of memory, or was nested too deeply. Let it work on fewer values."
    ),
    "expression_interrupted": _workflow(
        "The process that evaluates expressions was ended from outside. Retry.", DEFAULT_RETRY
    ),
    "step_interrupted": _workflow(
        "The worker ended while this step was under way, so that it is not known whether what it does outside has happened. "
        "Look there, then retry the run; or let the step be retried on errors, if its receiver knows idempotency keys.",
        DEFAULT_RETRY,
    ),
    "step_timeout": _workflow(
        "The step took longer than {seconds:,} s. Raise its timeout, or give it less to do.", DEFAULT_RETRY
    ),
    "too_many_steps": _workflow(
        "The run has had {limit:,} steps, which is the limit (WORKFLOW_STEPS). Look for a loop without an end."
    ),
    "too_deep_runs": _workflow("Runs start runs over {limit} deep (WORKFLOW_DEPTH). Look for a circle."),
    "too_many_items": _workflow(
        "There are {count:,} items; at most {limit:,} are worked on (WORKFLOW_ITEMS). Divide them among several runs."
    ),
    "too_many_child_runs": _workflow("Runs have started {limit:,} runs (WORKFLOW_CHILD_RUNS). Retry later."),
    "output_file_too_large": _workflow("The output has over {limit:g} MB (WORKFLOW_FILE_MB). Divide it."),
    "child_failed": _workflow("Run number {number} of this step has failed: {reason}", DEFAULT_RETRY),
    "not_published": _workflow(
        "The workflow that this step runs was deleted, is not in this workspace, or is not published: {ids}. Publish it, or "
        "choose another one."
    ),
    "input_invalid": _workflow("The input is not as the workflow declares it: {reason}"),
    "output_invalid": _workflow(
        "The output is not as the workflow declares it: {reason} Correct the last step, or the declared output."
    ),
    "no_boolean": _workflow("The condition is {value}, not true or false. Compare it with something."),
    "no_moment": _workflow(
        "The moment is {value}, and no timestamp. Give a timestamp, or a text such as 2027-01-31T09:00:00Z."
    ),
    "no_list": _workflow("The items are {value}, and no list. Give a list."),
    "trigger_failed": _workflow("The trigger has started no run: {reason}"),
    "run_cancelled": _workflow("The run was cancelled."),
    "workflow_deleted": _workflow("The workflow was deleted while the run was under way."),
    # Steps of workflows
    "not_in_workspace": _workflow(
        "There is no {kind} '{id}' in the workflow's workspace. Choose another one in the step, or correct the id."
    ),
    "no_ids": _workflow(
        "An expression that gives ids gives something else. Let it give an id, or a list of ids."
    ),
    "too_many_ids": _workflow(
        "An expression gives more than {limit:,} ids. Divide them among several steps."
    ),
    "no_model": _workflow(
        "The step has no chat model. Choose an integration in the step, or the model file."
    ),
    "llm_invalid_json": _workflow(
        "The chat model did not write the JSON that was asked for, also after it was corrected: {problems} Simplify the "
        "schema, or choose another model.",
        RetryPolicy(attempts=2),
    ),
    "no_service": _workflow(
        "The integration '{name}' is no web service, or has no configuration that can be read. Enter it again."
    ),
    "http_status": _workflow(
        "The service answered with the status {status}, which the step does not expect. Correct the request, or add the "
        "status to 'expected_status'."
    ),
    "http_body": _workflow("The service answered with something else than the JSON that it announced."),
    "invalid_content": _workflow(
        "The content is no base64. Use the body of a response whose 'encoding' is base64."
    ),
    "mail_not_configured": _workflow("OYL cannot send mail. An operator sets EMAIL_HOST."),
    "mail_address": _workflow("'{address}' is no address of a mail. Correct the expression in 'to'."),
    "mail_failed": _workflow("The mail could not be sent: {reason}.", DEFAULT_RETRY),
    "approval_expired": _workflow("The deadline passed without a decision."),
    # Webhooks
    "webhook_status": _webhook(
        "The receiver answered with the status {status}, not 200 to 299.", DEFAULT_RETRY
    ),
    "webhook_gone": _webhook(
        "The receiver answered with the status 410: it wants no more messages. Give another address, or delete the webhook."
    ),
    "webhook_unreadable": _webhook("The address and secret cannot be read. Enter the address again."),
    # Data sources
    "table_unreadable": _table(
        "The file cannot be read as {format}: {reason}. Correct the file or how it is read."
    ),
    "table_unsupported": _table(
        "'{name}' is no table. OYL reads CSV, TSV, XLSX, ODS, JSON, JSON lines and Parquet."
    ),
    "table_empty": _table(
        "The file has no columns with a name and a value. Look into it, and upload it again."
    ),
    "table_cells": _table(
        "Row {row} cannot be read: {reason} (one of {count} such cells and rows). Correct the file, or import the column as "
        "text. Until then, the rows of the last import stay."
    ),
    "table_statement": _table("This query cannot be run: {reason}. Write one SELECT over data sources."),
    "table_unknown": _table("There is no data source '{name}' in this workspace. There are: {names}."),
    "table_failed": _table("The query has no answer: {reason}. Correct it."),
    "table_too_slow": _table(
        "This took longer than {seconds:g} s, and was stopped. Ask for fewer rows, or group them by less."
    ),
    "table_memory": _table(
        "This needed more than {megabytes} MB of memory, and was stopped. Ask for fewer rows, or group them by less."
    ),
    "table_busy": _table("All processes for queries are at work. Try again in a moment.", DEFAULT_RETRY),
    "table_interrupted": _table(
        "The process that reads tables was ended from outside. Try again.", DEFAULT_RETRY
    ),
    "database_query": _table("The query of the database cannot be run: {reason}. Correct it."),
    "database_too_much": _table("The query returns more than {most}. Ask for fewer rows or columns."),
    # Before a file is added
    "file_not_found": _upload("There is no file or folder '{name}' that may be read."),
    "same_name": _upload(
        "'{other}' would be '{identity}' in the reference too. Ingest the folder that holds both."
    ),
    "file_unreadable": _upload("It cannot be opened, or its sidecar is not valid: {reason}"),
}


def sentence(code: str, **facts: object) -> str:
    """The sentence that users read, with its placeholders filled in."""
    return ERROR_CODES[code].sentence.format(**facts)
