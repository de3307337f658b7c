"""Names, defaults and limits of the integration; every number with its reason."""

from typing import Final

DOMAIN: Final = "camera_narrator"
MANUFACTURER: Final = "Camera Narrator"
EVENT_TYPE: Final = "camera_narrator_event"
"""The bus event: the JSON of a visit's phase."""

SUBENTRY_BRIDGE: Final = "bridge"
SUBENTRY_CAMERA: Final = "camera"

# -- keys of the entry's data and options -------------------------------------------------------------------
CONF_PROVIDER: Final = "provider"
PROVIDER_BUILTIN: Final = "builtin"
PROVIDER_OPENAI: Final = "openai"
CONF_BASE_URL: Final = "base_url"
CONF_API_KEY: Final = "api_key"
CONF_MODEL: Final = "model"
FALLBACK_BUILTIN: Final = "builtin"
FALLBACK_SERVER: Final = "server"
CONF_FALLBACK: Final = "fallback"
"""Options of the second model server, as a mapping of the keys here."""
CONF_SERVER: Final = "server"
"""The kind of model server, where its address alone does not tell."""
CONF_MQTT_PREFIX: Final = "mqtt_prefix"
CONF_CONCURRENCY: Final = "concurrency"
CONF_USD_PER_DAY: Final = "usd_per_day"
CONF_INPUT_PRICE: Final = "input_price"
CONF_OUTPUT_PRICE: Final = "output_price"
CONF_REQUESTS_PER_DAY: Final = "requests_per_day"
CONF_TOKENS_PER_DAY: Final = "tokens_per_day"
CONF_REQUESTS_PER_MINUTE: Final = "requests_per_minute"
CONF_TOKENS_PER_MINUTE: Final = "tokens_per_minute"
CONF_LANGUAGE: Final = "language"
"""Of the words: a hub's option, or a camera's own."""
CONF_TIMELINE_DAYS: Final = "timeline_days"
CONF_TIMELINE_MB: Final = "timeline_mb"

# -- keys of a bridge's data --------------------------------------------------------------------------------
CONF_TOKEN_HASH: Final = "token_hash"
CONF_OLD_TOKEN_HASHES: Final = "old_token_hashes"
CONF_BRIDGE_ID: Final = "bridge_id"
CONF_ADDRESS: Final = "address"

# -- keys of a camera's data --------------------------------------------------------------------------------
CONF_KEY: Final = "key"
CONF_SOURCE: Final = "source"
CONF_BRIDGE: Final = "bridge"
CONF_URL: Final = "url"
CONF_USERNAME: Final = "username"
CONF_PASSWORD: Final = "password"
CONF_PROFILE: Final = "profile"
CONF_ENABLED: Final = "enabled"
CONF_TRANSPORT: Final = "transport"
CONF_RATE_FPS: Final = "rate_fps"
CONF_HEIGHT_PX: Final = "height_px"
CONF_QUALITY: Final = "quality"
CONF_INTERVAL_S: Final = "interval_s"
CONF_FRAMES: Final = "frames_per_chunk"
CONF_ONLY_FOR: Final = "only_for"
CONF_OPENED_BY: Final = "opened_by"
CONF_REQUIRED: Final = "required"
CONF_RULES: Final = "rules"
CONF_INSTRUCTIONS: Final = "instructions"
CONF_LOCAL_ONLY: Final = "local_only"
CONF_MASKS: Final = "masks"
CONF_ZONES: Final = "zones"
CONF_IGNORED: Final = "ignored"
SECTION_ADVANCED: Final = "advanced"

# -- defaults -----------------------------------------------------------------------------------------------
DEFAULT_MQTT_PREFIX: Final = "camera_narrator"
DEFAULT_CONCURRENCY: Final = 2
"""Requests in flight per hub: one local model serves two slots well; cloud servers allow far more."""
DEFAULT_USD_PER_DAY: Final = 0.50
"""$15 in a month at worst: twelve cameras with thirty visits a day on the cheapest models, and no surprise on others."""
DEFAULT_REQUESTS_PER_DAY: Final = 300
"""Where nobody knows the price: sixty visits, and at most $3 a day even at a cent a request."""
DEFAULT_TIMELINE_DAYS: Final = 7
"""Who comes back from a week away reads all of it; longer is a choice, for a diary tells of people."""
DEFAULT_TIMELINE_MB: Final = 1024
"""A week of twelve cameras with a hundred visits a day takes half of it, and the smallest disks still bear it."""
DEFAULT_RATE_FPS: Final = 1.0
"""Frames a second while active: four or five pictures a chunk are where models stop getting better."""
QUIET_INTERVAL_S: Final = 10.0
"""A quiet camera sends a frame per 10 s: fresh enough for a preview, 4 kB/s at most."""
DEFAULT_HEIGHT_PX: Final = 480
"""480p costs 2.3 times fewer tokens than 720p where pictures are priced by size."""
DEFAULT_QUALITY: Final = 70
"""JPEG quality: 40 dB against the downscaled original at two thirds of the bytes of quality 85."""
DEFAULT_INTERVAL_S: Final = 5.0
"""Of the profiles `live` and `always`: the chunk of five pictures at one a second."""
DEFAULT_FRAMES: Final = 5
"""Pictures of a chunk: more hurt the model's grasp of the present rather than help."""

# -- limits -------------------------------------------------------------------------------------------------
PENDING_TOKEN_S: Final = 15 * 60
"""A token shown by an open dialog is known this long: time to start a container on another machine."""
OLD_TOKENS: Final = 20
"""Hashes of rotated tokens kept per bridge, to answer 403 instead of 401."""
STATE_MAX: Final = 255
"""Characters Home Assistant allows in a state."""
CONNECTION_TEST_S: Final = 120
"""A cold local model loads for a minute or two before its first answer."""
