'use strict';
// A real Vendure shop in one process: SQLite in memory, nothing kept, no custom fields.
// Prints "READY <port>" once it is seeded. Usage: node server.js <folder that holds node_modules>
process.env.VENDURE_DISABLE_TELEMETRY = 'true';
const path = require('node:path');
const { createRequire } = require('node:module');

const load = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'));
const { DefaultLogger, LanguageCode, LogLevel, PaymentMethodHandler, bootstrap } = load('@vendure/core');
const { dummyPaymentHandler, manualFulfillmentHandler } = load('@vendure/core');

// A gateway that answers every refund as its payment method says: "Settled" or "Failed".
const gatewayHandler = new PaymentMethodHandler({
  code: 'gateway-handler',
  description: [{ languageCode: LanguageCode.en, value: 'Gateway' }],
  args: { answer: { type: 'string' } },
  createPayment: (ctx, order, amount) => ({ amount, state: 'Settled' }),
  settlePayment: () => ({ success: true }),
  createRefund: (ctx, input, amount, order, payment, args) => ({ state: args.answer, transactionId: 'gateway-1' }),
});

const LOGIN = { identifier: 'superadmin', password: 'superadmin' };
const HOST = '127.0.0.1';

// The SQLite driver has one connection: two requests at once would share (and roll back) one transaction.
let last = Promise.resolve();
function oneAtATime(request, response, next) {
  const turn = last;
  last = new Promise(done => response.once('close', done));
  turn.then(next);
}

const config = {
  apiOptions: {
    hostname: HOST,
    port: 0,
    adminApiPath: 'admin-api',
    shopApiPath: 'shop-api',
    middleware: [{ route: 'admin-api', handler: oneAtATime, beforeListen: true }],
  },
  authOptions: { tokenMethod: 'bearer', superadminCredentials: LOGIN, sessionDuration: '1h', requireVerification: false },
  dbConnectionOptions: { type: 'sqljs', synchronize: true, autoSave: false, location: '', logging: false },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler, gatewayHandler] },
  shippingOptions: { fulfillmentHandlers: [manualFulfillmentHandler] },
  customFields: {},
  systemOptions: { telemetry: false },
  logger: new DefaultLogger({ level: LogLevel.Error, timestamp: false }),
};

class Shop {
  constructor(port) {
    this.url = `http://${HOST}:${port}/admin-api`;
    this.headers = { 'Content-Type': 'application/json' };
  }

  async call(query, variables) {
    const answer = await fetch(this.url, {
      method: 'POST',
      headers: this.headers,
      body: JSON.stringify({ query, variables }),
    });
    const body = await answer.json();
    if (body.errors) throw new Error(JSON.stringify(body.errors));
    const token = answer.headers.get('vendure-auth-token');
    if (token) this.headers.Authorization = `Bearer ${token}`;
    const result = Object.values(body.data)[0];
    if (result && result.errorCode) throw new Error(JSON.stringify(result));
    return result;
  }

  async seed() {
    await this.call('mutation ($u: String!, $p: String!) { login(username: $u, password: $p) { __typename } }', {
      u: LOGIN.identifier,
      p: LOGIN.password,
    });
    const zone = await this.seedZone();
    await this.seedChannel(zone);
    await this.seedTaxes(zone);
    await this.seedShipping();
    await this.seedPayment();
  }

  async seedZone() {
    const ids = [];
    for (const [code, name] of [['NL', 'Netherlands'], ['BE', 'Belgium'], ['DE', 'Germany']]) {
      const country = await this.call('mutation ($input: CreateCountryInput!) { createCountry(input: $input) { id } }', {
        input: { code, enabled: true, translations: [{ languageCode: 'en', name }] },
      });
      ids.push(country.id);
    }
    const zone = await this.call('mutation ($input: CreateZoneInput!) { createZone(input: $input) { id } }', {
      input: { name: 'Europe', memberIds: ids },
    });
    return zone.id;
  }

  async seedChannel(zone) {
    const channel = await this.call('{ activeChannel { id } }');
    await this.call('mutation ($input: UpdateChannelInput!) { updateChannel(input: $input) { __typename } }', {
      input: {
        id: channel.id,
        pricesIncludeTax: true,
        availableCurrencyCodes: ['EUR'],
        defaultCurrencyCode: 'EUR',
        defaultTaxZoneId: zone,
        defaultShippingZoneId: zone,
      },
    });
  }

  async seedTaxes(zone) {
    for (const [name, value, isDefault] of [['Standard', 21, true], ['Reduced', 9, false]]) {
      const category = await this.call(
        'mutation ($input: CreateTaxCategoryInput!) { createTaxCategory(input: $input) { id } }',
        { input: { name, isDefault } },
      );
      await this.call('mutation ($input: CreateTaxRateInput!) { createTaxRate(input: $input) { id } }', {
        input: { name, enabled: true, value, categoryId: category.id, zoneId: zone },
      });
    }
  }

  async seedShipping() {
    for (const [code, rate] of [['standard', '0'], ['express', '995']]) {
      await this.call('mutation ($input: CreateShippingMethodInput!) { createShippingMethod(input: $input) { id } }', {
        input: {
          code,
          fulfillmentHandler: 'manual-fulfillment',
          checker: { code: 'default-shipping-eligibility-checker', arguments: [{ name: 'orderMinimum', value: '0' }] },
          calculator: {
            code: 'default-shipping-calculator',
            arguments: [
              { name: 'rate', value: rate },
              { name: 'includesTax', value: 'include' },
              { name: 'taxRate', value: '21' },
            ],
          },
          translations: [{ languageCode: 'en', name: code, description: '' }],
        },
      });
    }
  }

  async seedPayment() {
    await this.call('mutation ($input: CreatePaymentMethodInput!) { createPaymentMethod(input: $input) { id } }', {
      input: {
        code: 'marketplace',
        enabled: true,
        handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] },
        translations: [{ languageCode: 'en', name: 'Marketplace', description: '' }],
      },
    });
    for (const answer of ['Settled', 'Failed']) {
      await this.call('mutation ($input: CreatePaymentMethodInput!) { createPaymentMethod(input: $input) { id } }', {
        input: {
          code: `gateway-${answer}`,
          enabled: true,
          handler: { code: 'gateway-handler', arguments: [{ name: 'answer', value: answer }] },
          translations: [{ languageCode: 'en', name: `Gateway ${answer}`, description: '' }],
        },
      });
    }
  }
}

async function main() {
  const app = await bootstrap(config);
  const { port } = app.getHttpServer().address();
  await new Shop(port).seed();
  process.stdout.write(`READY ${port}\n`);
  // Ends with the process that started it, however that ends.
  process.stdin.on('end', () => process.exit(0)).resume();
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
