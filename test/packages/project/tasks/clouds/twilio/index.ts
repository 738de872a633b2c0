import twilio from 'twilio';

export async function run() {
  const { VoiceResponse } = twilio.twiml;
  const response = new VoiceResponse();
  response.say({ voice: 'alice' }, 'hello');
  return { xml: response.toString(), isValid: twilio.validateRequest('token', 'signature', 'https://example.org', { a: '1' }) };
}
