/* The conversation: one answer to each request that is this node's own, whole, newer than the last and signed. */
#include <string.h>

#include "cbor.h"
#include "store.h"

static uint32_t number_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void number_to(uint8_t *bytes, uint32_t value) {
  for (uint8_t i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24u - 8u * i));
}

/* A node that has no number yet, or whose button was pressed, may be given one: its key is then all zeros. */
static const uint8_t NO_KEY[FL_KEY] = {0};

static const uint8_t *key_of(const fl_node *node) { return node->provisioning ? NO_KEY : node->key; }

/* What both sides know of this conversation alone: boot, how many greetings in it, and the gateway's nonce. */
static void context_of(const fl_node *node, uint8_t context[16]) {
  number_to(context, node->boot);
  number_to(context + 4, node->hellos);
  memcpy(context + 8, node->nonce, FL_NONCE);
}

static void send_frame(fl_node *node, uint8_t length) {
  uint16_t crc = 0;
  for (uint8_t at = 0; at < length; at++) crc = fl_crc16(crc, node->frame[at]);
  node->frame[length++] = (uint8_t)(crc >> 8);
  node->frame[length++] = (uint8_t)crc;
  /* COBS, run by run, straight to the line. */
  uint8_t at = 0;
  for (;;) {
    uint8_t end = at;
    while (end < length && node->frame[end] != 0) end++;
    node->board->send((uint8_t)(end - at + 1u));
    while (at < end) node->board->send(node->frame[at++]);
    if (at == length) break;
    at++;
  }
  node->board->send(0);
}

/* The answer has the request's sequence; its body stands in the frame already. */
static void answer(fl_node *node, uint8_t type, uint32_t sequence, const fl_cbor *body) {
  uint8_t context[16];
  if (body->bad) return;
  node->frame[0] = FL_VERSION;
  node->frame[1] = type;
  number_to(node->frame + 2, sequence);
  number_to(node->frame + 6, node->provisioning ? 0u : node->number);
  context_of(node, context);
  uint8_t length = (uint8_t)(FL_HEADER + body->at);
  fl_mac(key_of(node), context, node->frame, length, node->frame + length);
  send_frame(node, (uint8_t)(length + FL_MAC));
}

static fl_cbor body_of(fl_node *node) {
  fl_cbor body = {node->frame + FL_HEADER, FL_BODY_MAX, 0, false};
  return body;
}

static void put_text(fl_cbor *to, const char *text) {
  uint8_t length = 0;
  while (length < 12u && text[length] != 0) length++;
  fl_put_bytes(to, FL_TEXT, text, length);
}

static void greet(fl_node *node, uint32_t sequence) {
  fl_cbor body = body_of(node);
  fl_put(&body, FL_LIST, 6);
  fl_put(&body, FL_UINT, node->boot);
  fl_put(&body, FL_UINT, node->hellos);
  put_text(&body, node->board->hardware);
  put_text(&body, node->board->firmware);
  fl_put(&body, FL_UINT, node->board->capabilities);
  fl_put(&body, FL_UINT, node->interval);
  answer(node, FL_HELLO, sequence, &body);
}

static void tell_backlog(fl_node *node, uint32_t sequence) {
  fl_slot oldest;
  fl_cbor body = body_of(node);
  bool some = fl_store_next(node, 0, &oldest);
  fl_put(&body, FL_LIST, 3);
  fl_put(&body, FL_UINT, some ? oldest.sequence : node->newest + 1u);
  fl_put(&body, FL_UINT, node->newest);
  fl_put(&body, FL_UINT, node->missed);
  answer(node, FL_BACKLOG, sequence, &body);
}

/* A SenML record (RFC 8428, table 4: n is 0, u is 1, v is 2); decimals are fractions of RFC 8949, 3.4.4. */
static void put_record(const fl_node *node, fl_cbor *body, uint8_t index, int32_t value) {
  fl_channel channel;
  node->board->channel(index, &channel);
  fl_put(body, FL_MAP, 3);
  fl_put(body, FL_UINT, 0);
  put_text(body, channel.name);
  fl_put(body, FL_UINT, 1);
  put_text(body, channel.unit);
  fl_put(body, FL_UINT, 2);
  if (channel.exponent != 0) {
    fl_put(body, FL_TAG, 4);
    fl_put(body, FL_LIST, 2);
    fl_put_int(body, channel.exponent);
  }
  fl_put_int(body, value);
}

static void put_pack(const fl_node *node, fl_cbor *body, const fl_slot *slot) {
  uint8_t there = 0;
  for (uint8_t i = 0; i < FL_VALUES; i++) there = (uint8_t)(there + (slot->values[i] != FL_ABSENT));
  fl_put(body, FL_LIST, there);
  for (uint8_t i = 0; i < FL_VALUES; i++)
    if (slot->values[i] != FL_ABSENT) put_record(node, body, i, slot->values[i]);
}

static void tell_slot(fl_node *node, uint32_t sequence, uint32_t from) {
  fl_slot slot;
  if (!fl_store_next(node, from, &slot)) {
    tell_backlog(node, sequence);
    return;
  }
  fl_cbor body = body_of(node);
  bool event = slot.kind == FL_EVENT;
  fl_put(&body, FL_LIST, event ? 5 : 4);
  fl_put(&body, FL_UINT, slot.sequence);
  fl_put(&body, FL_UINT, slot.boot);
  fl_put(&body, FL_UINT, slot.tick);
  if (event) {
    fl_put(&body, FL_UINT, (uint32_t)slot.values[0]);
    fl_put_int(&body, slot.values[1]);
  } else {
    put_pack(node, &body, &slot);
  }
  answer(node, slot.kind, sequence, &body);
}

static bool provision(fl_node *node, fl_cbor *request) {
  uint8_t length;
  uint32_t number = fl_take(request, FL_UINT);
  const uint8_t *key = fl_take_bytes(request, &length);
  if (request->bad || !node->provisioning || number == 0 || length != FL_KEY) return false;
  node->number = number;
  memcpy(node->key, key, FL_KEY);
  fl_store_identity(node);
  return true;
}

static bool set_interval(fl_node *node, fl_cbor *request) {
  uint32_t seconds = fl_take(request, FL_UINT);
  if (request->bad || node->provisioning || seconds == 0 || seconds > 0xffffu) return false;
  if (node->interval == (uint16_t)seconds) return true;
  node->interval = (uint16_t)seconds;
  fl_store_identity(node);
  return true;
}

static bool switch_relay(fl_node *node, fl_cbor *request) {
  uint32_t on = fl_take(request, FL_UINT), seconds = fl_take(request, FL_UINT);
  if (request->bad || node->provisioning || on > 1u || seconds > 0xffffu || !node->board->relay) return false;
  return node->board->relay(on == 1u, (uint16_t)seconds);
}

static void configure(fl_node *node, uint32_t sequence, fl_cbor *request) {
  uint32_t what = fl_take(request, FL_UINT);
  bool done = (what == FL_CONFIG_PROVISION && provision(node, request)) ||
              (what == FL_CONFIG_INTERVAL && set_interval(node, request)) ||
              (what == FL_CONFIG_RELAY && switch_relay(node, request));
  fl_cbor body = body_of(node);
  fl_put(&body, FL_LIST, 2);
  fl_put(&body, FL_UINT, what);
  fl_put(&body, FL_UINT, done ? FL_DONE : FL_REFUSED);
  answer(node, FL_CONFIG, sequence, &body);
}

static void update(fl_node *node, uint32_t sequence, fl_cbor *request) {
  uint8_t length, state = FL_REFUSED;
  uint32_t expected = 0;
  uint32_t step = fl_take(request, FL_UINT), offset = fl_take(request, FL_UINT);
  const uint8_t *bytes = fl_take_bytes(request, &length);
  if (!request->bad && !node->provisioning && step < 0x100u && node->board->update)
    state = node->board->update((uint8_t)step, offset, bytes, length, &expected);
  fl_cbor body = body_of(node);
  fl_put(&body, FL_LIST, 2);
  fl_put(&body, FL_UINT, state);
  fl_put(&body, FL_UINT, expected);
  answer(node, FL_UPDATE, sequence, &body);
}

static void respond(fl_node *node, uint8_t type, uint32_t sequence, fl_cbor *request) {
  if (type == FL_CONFIG) {
    configure(node, sequence, request);
  } else if (node->provisioning) {
    return; /* Nothing else is for a node that anybody may speak to. */
  } else if (type == FL_TIME) {
    fl_cbor body = body_of(node);
    fl_put(&body, FL_LIST, 1);
    fl_put(&body, FL_UINT, node->board->ticks());
    answer(node, FL_TIME, sequence, &body);
  } else if (type == FL_ACK) {
    uint32_t through = fl_take(request, FL_UINT);
    if (request->bad) return;
    fl_store_forget(node, through);
    tell_backlog(node, sequence);
  } else if (type == FL_BACKLOG) {
    uint32_t from = fl_take(request, FL_UINT);
    if (!request->bad) tell_slot(node, sequence, from);
  } else if (type == FL_UPDATE) {
    update(node, sequence, request);
  }
}

static bool is_signed(const uint8_t *key, const uint8_t context[16], const uint8_t *frame, uint8_t length) {
  uint8_t mac[FL_MAC], differs = 0;
  fl_mac(key, context, frame, length, mac);
  for (uint8_t i = 0; i < FL_MAC; i++) differs |= (uint8_t)(mac[i] ^ frame[length + i]);
  return differs == 0;
}

/* A greeting begins a new conversation: it is signed with the key alone, and the answer proves that it is fresh. */
static void hello(fl_node *node, uint32_t sequence, uint8_t length, bool to_nobody) {
  static const uint8_t NOTHING[16] = {0};
  uint8_t nonce_length;
  if (!is_signed(to_nobody ? NO_KEY : node->key, NOTHING, node->frame, length)) return;
  fl_cbor request = {node->frame + FL_HEADER, (uint8_t)(length - FL_HEADER), 0, false};
  bool is_list = fl_take(&request, FL_LIST) >= 1u;
  const uint8_t *nonce = fl_take_bytes(&request, &nonce_length);
  if (request.bad || !is_list || nonce_length != FL_NONCE) return;
  memcpy(node->nonce, nonce, FL_NONCE);
  node->provisioning = to_nobody;
  node->in_session = true;
  node->hellos++;
  node->last_request = sequence;
  greet(node, sequence);
}

static void take_frame(fl_node *node) {
  int plain = fl_cobs_decode(node->frame, node->length);
  if (plain < (int)(FL_HEADER + FL_MAC + FL_CRC) || plain > (int)FL_PLAIN_MAX) return;
  uint8_t length = (uint8_t)(plain - (int)(FL_MAC + FL_CRC));
  uint16_t crc = 0;
  for (uint8_t at = 0; at < (uint8_t)plain; at++) crc = fl_crc16(crc, node->frame[at]);
  if (crc != 0 || node->frame[0] != FL_VERSION || !(node->frame[1] & FL_FROM_GATEWAY)) return;
  uint8_t type = node->frame[1] & 0x7fu, context[16];
  uint32_t sequence = number_at(node->frame + 2), to = number_at(node->frame + 6);
  if (to != 0 ? to != node->number : !node->board->presence()) return;
  if (type == FL_HELLO) {
    hello(node, sequence, length, to == 0);
    return;
  }
  if (!node->in_session || node->provisioning != (to == 0) || sequence <= node->last_request) return;
  context_of(node, context);
  if (!is_signed(key_of(node), context, node->frame, length)) return;
  node->last_request = sequence;
  fl_cbor request = {node->frame + FL_HEADER, (uint8_t)(length - FL_HEADER), 0, false};
  if (fl_take(&request, FL_LIST) >= 1u && !request.bad) respond(node, type, sequence, &request);
}

void fl_open(fl_node *node, const fl_board *board) {
  memset(node, 0, sizeof *node);
  node->board = board;
  fl_store_open(node);
}

void fl_receive(fl_node *node, uint8_t byte) {
  if (byte != 0) {
    /* The rest of a frame that is too long is dropped to its end. */
    if (node->length == FL_FRAME_MAX - 1u)
      node->overlong = true;
    else
      node->frame[node->length++] = byte;
    return;
  }
  if (!node->overlong && node->length > 0) take_frame(node);
  node->overlong = false;
  node->length = 0;
}

bool fl_sample(fl_node *node, const int32_t values[FL_VALUES]) {
  return fl_store_keep(node, FL_SAMPLE, values);
}

bool fl_event(fl_node *node, uint8_t kind, int32_t detail) {
  int32_t values[FL_VALUES] = {kind, detail};
  return fl_store_keep(node, FL_EVENT, values);
}

uint16_t fl_interval(const fl_node *node) { return node->interval; }
